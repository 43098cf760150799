using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>The operators. Whole numbers do not wrap around: what does not fit is an error, as in the language's specification.</summary>
internal static class CelOperators
{
    private static readonly CelType A = new CelType.Variable("A");
    private static readonly CelType ListOfA = new CelType.ListOf(A);
    private static readonly ImmutableArray<CelType> Ordered = [CelType.Bool, CelType.Int, CelType.UInt, CelType.Double, CelType.Text, CelType.Bytes, CelType.Timestamp, CelType.Duration];

    public static readonly ImmutableArray<CelOverload> All =
    [
        .. Whole("_+_", static (a, b) => checked(a + b), static (a, b) => checked(a + b), static (a, b) => a + b),
        .. Whole("_-_", static (a, b) => checked(a - b), static (a, b) => checked(a - b), static (a, b) => a - b),
        .. Whole("_*_", static (a, b) => checked(a * b), static (a, b) => checked(a * b), static (a, b) => a * b),
        .. Whole("_/_", static (a, b) => b == 0 ? throw new CelException("division by zero") : checked(a / b), static (a, b) => b == 0 ? throw new CelException("division by zero") : a / b, static (a, b) => a / b),
        CelFunctions.Global("_%_", CelType.Int, static a => Int(a[1]) == 0 ? throw new CelException("modulus by zero") : new CelValue.Int(Int(a[1]) == -1 ? 0 : Int(a[0]) % Int(a[1])), CelType.Int, CelType.Int),
        CelFunctions.Global("_%_", CelType.UInt, static a => UInt(a[1]) == 0 ? throw new CelException("modulus by zero") : new CelValue.UInt(UInt(a[0]) % UInt(a[1])), CelType.UInt, CelType.UInt),
        CelFunctions.Global("_+_", CelType.Text, static a => new CelValue.Text(Text(a[0]) + Text(a[1])), CelType.Text, CelType.Text),
        CelFunctions.Global("_+_", CelType.Bytes, static a => new CelValue.Bytes((byte[])[.. Bytes(a[0]).Span, .. Bytes(a[1]).Span]), CelType.Bytes, CelType.Bytes),
        CelFunctions.Global("_+_", ListOfA, static a => new CelValue.List([.. Items(a[0]), .. Items(a[1])]), ListOfA, ListOfA),
        CelFunctions.Global("_+_", CelType.Timestamp, static a => new CelValue.Timestamp(Time(a[0]) + Span(a[1])), CelType.Timestamp, CelType.Duration),
        CelFunctions.Global("_+_", CelType.Timestamp, static a => new CelValue.Timestamp(Time(a[1]) + Span(a[0])), CelType.Duration, CelType.Timestamp),
        CelFunctions.Global("_+_", CelType.Duration, static a => new CelValue.Duration(Span(a[0]) + Span(a[1])), CelType.Duration, CelType.Duration),
        CelFunctions.Global("_-_", CelType.Timestamp, static a => new CelValue.Timestamp(Time(a[0]) - Span(a[1])), CelType.Timestamp, CelType.Duration),
        CelFunctions.Global("_-_", CelType.Duration, static a => new CelValue.Duration(Time(a[0]) - Time(a[1])), CelType.Timestamp, CelType.Timestamp),
        CelFunctions.Global("_-_", CelType.Duration, static a => new CelValue.Duration(Span(a[0]) - Span(a[1])), CelType.Duration, CelType.Duration),
        CelFunctions.Global("-_", CelType.Int, static a => new CelValue.Int(checked(-Int(a[0]))), CelType.Int),
        CelFunctions.Global("-_", CelType.Double, static a => new CelValue.Double(-Double(a[0])), CelType.Double),
        CelFunctions.Global("!_", CelType.Bool, static a => new CelValue.Bool(!((CelValue.Bool)a[0]).Value), CelType.Bool),
        CelFunctions.Global("_==_", CelType.Bool, static a => new CelValue.Bool(CelValue.Same(a[0], a[1])), A, A),
        CelFunctions.Global("_!=_", CelType.Bool, static a => new CelValue.Bool(!CelValue.Same(a[0], a[1])), A, A),
        .. Comparison("_<_", static order => order < 0),
        .. Comparison("_<=_", static order => order <= 0),
        .. Comparison("_>_", static order => order > 0),
        .. Comparison("_>=_", static order => order >= 0),
        CelFunctions.Global("@in", CelType.Bool, static a => new CelValue.Bool(Items(a[1]).Any(i => CelValue.Same(i, a[0]))), A, ListOfA),
        CelFunctions.Global("@in", CelType.Bool, static a => new CelValue.Bool(((CelValue.Map)a[1]).Entries.ContainsKey(Text(a[0]))), CelType.Text, CelType.AnyMap),
    ];

    private static IEnumerable<CelOverload> Whole(string name, Func<long, long, long> whole, Func<ulong, ulong, ulong> positive, Func<double, double, double> real) =>
    [
        CelFunctions.Global(name, CelType.Int, a => new CelValue.Int(Within(() => whole(Int(a[0]), Int(a[1])))), CelType.Int, CelType.Int),
        CelFunctions.Global(name, CelType.UInt, a => new CelValue.UInt(Within(() => positive(UInt(a[0]), UInt(a[1])))), CelType.UInt, CelType.UInt),
        CelFunctions.Global(name, CelType.Double, a => new CelValue.Double(real(Double(a[0]), Double(a[1]))), CelType.Double, CelType.Double),
    ];

    /// <summary>Values of one type compare, and numbers of different types do too.</summary>
    private static IEnumerable<CelOverload> Comparison(string name, Func<int, bool> holds)
    {
        foreach (var type in Ordered) yield return Compare(type, type);
        foreach (var one in Ordered.Where(static t => t.IsNumber))
        {
            foreach (var other in Ordered.Where(t => t.IsNumber && t != one)) yield return Compare(one, other);
        }

        CelOverload Compare(CelType one, CelType other) =>
            CelFunctions.Global(name, CelType.Bool, a => new CelValue.Bool(CelValue.Order(a[0], a[1]) is { } order && holds(order)), one, other);
    }

    private static T Within<T>(Func<T> compute)
    {
        try
        {
            return compute();
        }
        catch (OverflowException)
        {
            throw new CelException("return error for overflow");
        }
    }

    public static long Int(CelValue value) => ((CelValue.Int)value).Value;

    public static ulong UInt(CelValue value) => ((CelValue.UInt)value).Value;

    public static double Double(CelValue value) => ((CelValue.Double)value).Value;

    public static string Text(CelValue value) => ((CelValue.Text)value).Value;

    public static IReadOnlyList<CelValue> Items(CelValue value) => ((CelValue.List)value).Items;

    public static DateTimeOffset Time(CelValue value) => ((CelValue.Timestamp)value).Value;

    public static TimeSpan Span(CelValue value) => ((CelValue.Duration)value).Value;

    private static ReadOnlyMemory<byte> Bytes(CelValue value) => ((CelValue.Bytes)value).Value;
}
