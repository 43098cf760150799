using System.Numerics;
using FsCheck;
using FsCheck.Fluent;

namespace Kube.Types.Tests;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("0Ki", "0")]
    [InlineData("1", "1")]
    [InlineData("+1", "1")]
    [InlineData("-1", "-1")]
    [InlineData("500m", "500m")]
    [InlineData("0.5", "500m")]
    [InlineData(".5", "500m")]
    [InlineData("5.", "5")]
    [InlineData("1500m", "1500m")]
    [InlineData("1000m", "1")]
    [InlineData("1000", "1k")]
    [InlineData("1024", "1024")]
    [InlineData("1024Ki", "1Mi")]
    [InlineData("1.5Gi", "1536Mi")]
    [InlineData("0.5Ki", "512")]
    [InlineData("1023", "1023")]
    [InlineData("2048Mi", "2Gi")]
    [InlineData("1e3", "1e3")]
    [InlineData("12E6", "12e6")]
    [InlineData("1E", "1E")]
    [InlineData("1e-3", "1e-3")]
    [InlineData("100u", "100u")]
    [InlineData("1n", "1n")]
    [InlineData("0.1n", "1n")]
    [InlineData("-0.1n", "-1n")]
    [InlineData("1.0000000001", "1000000001n")]
    [InlineData("10E", "9223372036854775807")]
    [InlineData("1e999999999999", "9223372036854775807")]
    [InlineData("1e-999999999999", "1e-9")]
    [InlineData("1.00001Ki", "1024010240u")]
    [InlineData("0.0001Ki", "102400u")]
    public void Text_prints_canonically(string text, string canonical) => Assert.Equal(canonical, Quantity.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("1x")]
    [InlineData("1 ")]
    [InlineData(" 1")]
    [InlineData("1KI")]
    [InlineData("1mi")]
    [InlineData("1.2.3")]
    [InlineData("--1")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData(".")]
    [InlineData("1K")]
    public void What_is_no_quantity_is_refused(string text) => Assert.False(Quantity.TryParse(text, out _, out _));

    [Fact]
    public void Units_round_up_so_that_a_request_is_never_understated()
    {
        Assert.Equal(2, Quantity.Parse("1001m").Units);
        Assert.Equal(-2, Quantity.Parse("-1001m").Units);
        Assert.Equal(1, Quantity.Parse("1u").MilliUnits);
        Assert.Equal(1500, Quantity.Parse("1.5").MilliUnits);
        Assert.Equal(long.MaxValue, Quantity.Parse("9E").MilliUnits);
    }

    [Fact]
    public void A_sum_keeps_the_form_of_its_first_term_that_is_not_zero()
    {
        Assert.Equal("3Gi", (Quantity.Zero + Quantity.Parse("1Gi") + Quantity.Parse("2048Mi")).ToString());
        Assert.Equal("2500m", (Quantity.Parse("2") + Quantity.Parse("500m")).ToString());
        Assert.Equal("8", (Quantity.Parse("2") * 4).ToString());
        Assert.True(Quantity.Parse("1Ki") > Quantity.Parse("1k"));
        Assert.Equal(Quantity.Parse("1000m"), Quantity.Parse("1"));
    }

    [Fact]
    public void What_prints_reads_back_as_the_same_amount()
    {
        Prop.ForAll(Written.ToArbitrary(), text =>
        {
            var quantity = Quantity.Parse(text);
            var again = Quantity.Parse(quantity.ToString());
            // A binary form without a whole suffix prints plain digits, which read as decimal: 77281.25Ki, 79136000, 79136k.
            return again == quantity && (again.Form != quantity.Form || again.ToString() == quantity.ToString());
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Arithmetic_agrees_with_integers()
    {
        var amounts = Gen.Choose(int.MinValue, int.MaxValue).Three();
        Prop.ForAll(amounts.ToArbitrary(), input =>
        {
            var (a, b, c) = input;
            var sum = (Quantity.FromMilliUnits(a) + Quantity.FromMilliUnits(b)) * c;
            var expected = ((BigInteger)a + b) * c;
            return sum == Quantity.Parse($"{expected}m") || expected > long.MaxValue || BigInteger.Abs(expected) >= (BigInteger)long.MaxValue * 1000;
        }).QuickCheckThrowOnFailure();
        Prop.ForAll(Written.Two().ToArbitrary(), pair =>
        {
            var (a, b) = (Quantity.Parse(pair.Item1), Quantity.Parse(pair.Item2));
            return a + b - b == a && a.CompareTo(b) == -b.CompareTo(a) && (a + b == b + a);
        }).QuickCheckThrowOnFailure();
    }

    private static readonly Gen<string> Written =
        from sign in Gen.Elements("", "-", "+")
        from whole in Gen.Choose(0, 100_000)
        from fraction in Gen.Elements("", ".5", ".25", ".001", ".123456789123")
        from suffix in Gen.Elements("", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-3", "e+2", "e1")
        select $"{sign}{whole}{fraction}{suffix}";
}
