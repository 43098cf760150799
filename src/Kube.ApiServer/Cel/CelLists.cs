using System.Collections.Immutable;
using static Kube.ApiServer.CelOperators;

namespace Kube.ApiServer;

/// <summary>Functions of lists, maps and sets.</summary>
internal static class CelLists
{
    private static readonly CelType A = new CelType.Variable("A");
    private static readonly CelType ListOfA = new CelType.ListOf(A);

    public static readonly ImmutableArray<CelOverload> All =
    [
        CelFunctions.Global("size", CelType.Int, static a => new CelValue.Int(Items(a[0]).Count), ListOfA),
        CelFunctions.Member("size", CelType.Int, static a => new CelValue.Int(Items(a[0]).Count), ListOfA),
        CelFunctions.Global("size", CelType.Int, static a => new CelValue.Int(((CelValue.Map)a[0]).Entries.Count), CelType.AnyMap),
        CelFunctions.Member("size", CelType.Int, static a => new CelValue.Int(((CelValue.Map)a[0]).Entries.Count), CelType.AnyMap),
        CelFunctions.Global("size", CelType.Int, static a => new CelValue.Int(((CelValue.Bytes)a[0]).Value.Length), CelType.Bytes),
        CelFunctions.Member("isSorted", CelType.Bool, static a => new CelValue.Bool(Items(a[0]).Zip(Items(a[0]).Skip(1)).All(static p => Compare(p.First, p.Second) <= 0)), ListOfA),
        CelFunctions.Member("min", A, static a => Best(a[0], static order => order < 0), ListOfA),
        CelFunctions.Member("max", A, static a => Best(a[0], static order => order > 0), ListOfA),
        CelFunctions.Member("sum", A, static a => Sum(Items(a[0])), ListOfA),
        CelFunctions.Member("indexOf", CelType.Int, static a => new CelValue.Int(Items(a[0]).ToList().FindIndex(i => CelValue.Same(i, a[1]))), ListOfA, A),
        CelFunctions.Member("lastIndexOf", CelType.Int, static a => new CelValue.Int(Items(a[0]).ToList().FindLastIndex(i => CelValue.Same(i, a[1]))), ListOfA, A),
        CelFunctions.Global("sets.contains", CelType.Bool, static a => new CelValue.Bool(Holds(a[0], a[1])), ListOfA, ListOfA),
        CelFunctions.Global("sets.equivalent", CelType.Bool, static a => new CelValue.Bool(Holds(a[0], a[1]) && Holds(a[1], a[0])), ListOfA, ListOfA),
        CelFunctions.Global("sets.intersects", CelType.Bool, static a => new CelValue.Bool(Items(a[1]).Any(i => Items(a[0]).Any(o => CelValue.Same(o, i)))), ListOfA, ListOfA),
    ];

    private static bool Holds(CelValue list, CelValue others) => Items(others).All(i => Items(list).Any(o => CelValue.Same(o, i)));

    private static int Compare(CelValue one, CelValue other) => CelValue.Order(one, other) ?? throw new CelException("no such overload");

    private static CelValue Best(CelValue list, Func<int, bool> better)
    {
        if (Items(list).Count == 0) throw new CelException("min/max called on an empty list");
        return Items(list).Aggregate((best, next) => better(Compare(next, best)) ? next : best);
    }

    private static CelValue Sum(IReadOnlyList<CelValue> items)
    {
        if (items.Count == 0) return new CelValue.Int(0);
        return items.Skip(1).Aggregate(items[0], static (total, next) =>
        {
            var overload = CelFunctions.Find("_+_", isMember: false).FirstOrDefault(o => o.Accepts([total.TypeOf, next.TypeOf], []));
            return overload is null ? throw new CelException("no such overload") : overload.Run([total, next]);
        });
    }
}
