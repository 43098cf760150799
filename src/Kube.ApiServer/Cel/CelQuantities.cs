using System.Collections.Immutable;
using Kube.Types;
using static Kube.ApiServer.CelOperators;

namespace Kube.ApiServer;

/// <summary>Kubernetes' amounts: <c>quantity("1.5Gi").isLessThan(quantity("2Gi"))</c>.</summary>
internal static class CelQuantities
{
    public static readonly ImmutableArray<CelOverload> All =
    [
        CelFunctions.Global("quantity", CelType.Quantity, static a => Quantity.TryParse(Text(a[0]), out var q, out var fault) ? new CelValue.Amount(q) : throw new CelException(fault), CelType.Text),
        CelFunctions.Global("isQuantity", CelType.Bool, static a => new CelValue.Bool(Quantity.TryParse(Text(a[0]), out _, out _)), CelType.Text),
        CelFunctions.Member("sign", CelType.Int, static a => new CelValue.Int(Of(a[0]).Sign), CelType.Quantity),
        CelFunctions.Member("isInteger", CelType.Bool, static a => new CelValue.Bool(IsWhole(Of(a[0]))), CelType.Quantity),
        CelFunctions.Member("asInteger", CelType.Int, static a => IsWhole(Of(a[0])) ? new CelValue.Int(Of(a[0]).Units) : throw new CelException("cannot convert value to integer"), CelType.Quantity),
        CelFunctions.Member("asApproximateFloat", CelType.Double, static a => new CelValue.Double(Of(a[0]).MilliUnits / 1000.0), CelType.Quantity),
        CelFunctions.Member("isLessThan", CelType.Bool, static a => new CelValue.Bool(Of(a[0]) < Of(a[1])), CelType.Quantity, CelType.Quantity),
        CelFunctions.Member("isGreaterThan", CelType.Bool, static a => new CelValue.Bool(Of(a[0]) > Of(a[1])), CelType.Quantity, CelType.Quantity),
        CelFunctions.Member("compareTo", CelType.Int, static a => new CelValue.Int(Math.Sign(Of(a[0]).CompareTo(Of(a[1])))), CelType.Quantity, CelType.Quantity),
        CelFunctions.Member("add", CelType.Quantity, static a => new CelValue.Amount(Of(a[0]) + Of(a[1])), CelType.Quantity, CelType.Quantity),
        CelFunctions.Member("add", CelType.Quantity, static a => new CelValue.Amount(Of(a[0]) + Quantity.FromUnits(Int(a[1]))), CelType.Quantity, CelType.Int),
        CelFunctions.Member("sub", CelType.Quantity, static a => new CelValue.Amount(Of(a[0]) - Of(a[1])), CelType.Quantity, CelType.Quantity),
        CelFunctions.Member("sub", CelType.Quantity, static a => new CelValue.Amount(Of(a[0]) - Quantity.FromUnits(Int(a[1]))), CelType.Quantity, CelType.Int),
    ];

    private static Quantity Of(CelValue value) => ((CelValue.Amount)value).Value;

    private static bool IsWhole(Quantity quantity) => Quantity.FromUnits(quantity.Units) == quantity;
}
