using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using static Kube.ApiServer.CelOperators;

namespace Kube.ApiServer;

/// <summary>Conversions between types: <c>int()</c>, <c>string()</c> and their like.</summary>
internal static class CelConversions
{
    private static readonly CelType A = new CelType.Variable("A");
    private static readonly CelType OptionalOfA = new CelType.OptionalOf(A);

    public static readonly ImmutableArray<CelOverload> All =
    [
        CelFunctions.Global("int", CelType.Int, static a => a[0], CelType.Int),
        CelFunctions.Global("int", CelType.Int, static a => UInt(a[0]) <= long.MaxValue ? new CelValue.Int((long)UInt(a[0])) : throw new CelException("integer overflow"), CelType.UInt),
        CelFunctions.Global("int", CelType.Int, static a => ToInt(Double(a[0])), CelType.Double),
        CelFunctions.Global("int", CelType.Int, static a => long.TryParse(Text(a[0]), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) ? new CelValue.Int(n) : throw Unreadable(a[0], "int"), CelType.Text),
        CelFunctions.Global("int", CelType.Int, static a => new CelValue.Int(Time(a[0]).ToUnixTimeSeconds()), CelType.Timestamp),
        CelFunctions.Global("uint", CelType.UInt, static a => a[0], CelType.UInt),
        CelFunctions.Global("uint", CelType.UInt, static a => Int(a[0]) >= 0 ? new CelValue.UInt((ulong)Int(a[0])) : throw new CelException("unsigned integer overflow"), CelType.Int),
        CelFunctions.Global("uint", CelType.UInt, static a => ulong.TryParse(Text(a[0]), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? new CelValue.UInt(n) : throw Unreadable(a[0], "uint"), CelType.Text),
        CelFunctions.Global("double", CelType.Double, static a => a[0], CelType.Double),
        CelFunctions.Global("double", CelType.Double, static a => new CelValue.Double(Int(a[0])), CelType.Int),
        CelFunctions.Global("double", CelType.Double, static a => new CelValue.Double(UInt(a[0])), CelType.UInt),
        CelFunctions.Global("double", CelType.Double, static a => double.TryParse(Text(a[0]), NumberStyles.Float, CultureInfo.InvariantCulture, out var n) ? new CelValue.Double(n) : throw Unreadable(a[0], "double"), CelType.Text),
        CelFunctions.Global("bool", CelType.Bool, static a => a[0], CelType.Bool),
        CelFunctions.Global("bool", CelType.Bool, static a => Text(a[0]) switch { "true" or "True" or "TRUE" or "t" or "1" => new CelValue.Bool(true), "false" or "False" or "FALSE" or "f" or "0" => new CelValue.Bool(false), _ => throw Unreadable(a[0], "bool") }, CelType.Text),
        CelFunctions.Global("bytes", CelType.Bytes, static a => new CelValue.Bytes(Encoding.UTF8.GetBytes(Text(a[0]))), CelType.Text),
        .. new[] { CelType.Text, CelType.Int, CelType.UInt, CelType.Double, CelType.Bool, CelType.Bytes, CelType.Timestamp, CelType.Duration }
            .Select(static t => CelFunctions.Global("string", CelType.Text, static a => new CelValue.Text(a[0].Print()), t)),
        CelFunctions.Global("dyn", CelType.Any, static a => a[0], A),
        CelFunctions.Global("type", CelType.TypeName, static a => new CelValue.Type(a[0].TypeOf), A),
        CelFunctions.Member("hasValue", CelType.Bool, static a => new CelValue.Bool(((CelValue.Optional)a[0]).Inner is not null), OptionalOfA),
        CelFunctions.Member("value", A, static a => ((CelValue.Optional)a[0]).Inner ?? throw new CelException("optional.none() dereference"), OptionalOfA),
        CelFunctions.Member("orValue", A, static a => ((CelValue.Optional)a[0]).Inner ?? a[1], OptionalOfA, A),
        CelFunctions.Member("or", OptionalOfA, static a => ((CelValue.Optional)a[0]).Inner is null ? a[1] : a[0], OptionalOfA, OptionalOfA),
    ];

    private static CelValue.Int ToInt(double number) =>
        number is > -9.2e18 and < 9.2e18 ? new CelValue.Int((long)number) : throw new CelException("integer overflow");

    public static CelException Unreadable(CelValue value, string type) => new($"type conversion error: \"{value.Print()}\" is no {type}");
}
