using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>Finds, before anything is run, what an expression can never be: members that do not exist, functions that do not take their arguments.</summary>
internal sealed class CelChecker(string text, ImmutableDictionary<string, CelType> names)
{
    /// <exception cref="CelCompileException">The expression does not fit its types.</exception>
    public CelType Check(CelExpression expression) => Check(expression, names);

    private CelType Check(CelExpression expression, ImmutableDictionary<string, CelType> scope) => expression switch
    {
        CelExpression.Literal literal => literal.Value.TypeOf,
        CelExpression.Name name => scope.TryGetValue(name.Text, out var type) ? type
            : CelTypeNames.Find(name.Text) is not null ? CelType.TypeName
            : throw Fault(name, $"undeclared reference to '{name.Text}' (in container '')"),
        CelExpression.Member member => Member(member, scope),
        CelExpression.Has has => Presence(has, scope),
        CelExpression.Index index => Index(index, scope),
        CelExpression.Call call => Call(call, scope),
        CelExpression.And and => Logic(and.Left, and.Right, scope),
        CelExpression.Or or => Logic(or.Left, or.Right, scope),
        CelExpression.Choice choice => Choice(choice, scope),
        CelExpression.MakeList list => new CelType.ListOf(Common(list.Items.Select(i => Check(i, scope)))),
        CelExpression.MakeMap map => Map(map, scope),
        CelExpression.Through through => Through(through, scope),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private CelType Member(CelExpression.Member member, ImmutableDictionary<string, CelType> scope)
    {
        var of = Check(member.Of, scope);
        var found = FieldOf(of is CelType.OptionalOf optional ? optional.Inner : of, member.Field, member);
        return member.Optional || of is CelType.OptionalOf ? new CelType.OptionalOf(found) : found;
    }

    private CelType Presence(CelExpression.Has has, ImmutableDictionary<string, CelType> scope)
    {
        FieldOf(Check(has.Of, scope), has.Field, has);
        return CelType.Bool;
    }

    private CelType FieldOf(CelType of, string field, CelExpression at) => of switch
    {
        CelType.ObjectOf known => known.Members.GetValueOrDefault(field) ?? throw Fault(at, $"undefined field '{field}'"),
        CelType.MapOf map => map.Value,
        CelType.Dynamic => CelType.Any,
        _ => throw Fault(at, $"type '{of.Name}' does not support field selection"),
    };

    private CelType Index(CelExpression.Index index, ImmutableDictionary<string, CelType> scope)
    {
        var (of, key) = (Check(index.Of, scope), Check(index.Key, scope));
        var inner = of is CelType.OptionalOf optional ? optional.Inner : of;
        var found = inner switch
        {
            CelType.ListOf list when key.Fits(CelType.Int, []) => list.Item,
            CelType.MapOf map when key.Fits(CelType.Text, []) => map.Value,
            CelType.Dynamic => CelType.Any,
            _ => throw NoOverload(index, "_[_]", [of, key]),
        };
        return index.Optional || of is CelType.OptionalOf ? new CelType.OptionalOf(found) : found;
    }

    private CelType Call(CelExpression.Call call, ImmutableDictionary<string, CelType> scope)
    {
        // Functions with a prefix, such as sets.contains, look like members of a name that nobody declared.
        var (function, arguments, isMember) = CelCalls.Resolve(call, scope.ContainsKey);
        var types = arguments.Select(a => Check(a, scope)).ToImmutableArray();
        if (!CelFunctions.IsKnown(function)) throw Fault(call, $"undeclared reference to '{function}' (in container '')");
        var bound = new Dictionary<string, CelType>(StringComparer.Ordinal);
        // Null may be compared with anything: that is how rules ask for absence.
        if (function is "_==_" or "_!=_" && types.Contains(CelType.Null)) return CelType.Bool;
        var fitting = new List<CelType>();
        foreach (var overload in CelFunctions.Find(function, isMember))
        {
            bound.Clear();
            if (overload.Accepts(types.AsSpan(), bound)) fitting.Add(overload.Gives.With(bound));
        }

        if (fitting.Count == 0) throw NoOverload(call, function, types);
        return fitting.Aggregate(CelType.Join);
    }

    private CelType Logic(CelExpression left, CelExpression right, ImmutableDictionary<string, CelType> scope)
    {
        Boolean(left, scope);
        return Boolean(right, scope);
    }

    private CelType Boolean(CelExpression expression, ImmutableDictionary<string, CelType> scope)
    {
        var type = Check(expression, scope);
        return type.Fits(CelType.Bool, []) ? CelType.Bool : throw Fault(expression, $"expected type 'bool' but found '{type.Name}'");
    }

    private CelType Choice(CelExpression.Choice choice, ImmutableDictionary<string, CelType> scope)
    {
        Boolean(choice.If, scope);
        return CelType.Join(Check(choice.Then, scope), Check(choice.Else, scope));
    }

    private CelType Map(CelExpression.MakeMap map, ImmutableDictionary<string, CelType> scope)
    {
        foreach (var (key, _) in map.Entries)
        {
            if (Check(key, scope) is var type && !type.Fits(CelType.Text, [])) throw Fault(key, $"unsupported map key type '{type.Name}'");
        }

        return new CelType.MapOf(Common(map.Entries.Select(e => Check(e.Value, scope))));
    }

    private CelType Through(CelExpression.Through through, ImmutableDictionary<string, CelType> scope)
    {
        var range = Check(through.Range, scope);
        var item = range switch
        {
            CelType.ListOf list => list.Item,
            CelType.MapOf or CelType.ObjectOf => CelType.Text,
            CelType.Dynamic => CelType.Any,
            _ => throw Fault(through.Range, $"expression of type '{range.Name}' cannot be range of a comprehension (must be list, map, or dynamic)"),
        };
        var inner = scope.SetItem(through.Variable, item);
        if (through.Filter is not null) Boolean(through.Filter, inner);
        if (through.Macro == CelMacro.Map) return new CelType.ListOf(Check(through.Body, inner));
        Boolean(through.Body, inner);
        return through.Macro == CelMacro.Filter ? new CelType.ListOf(item) : CelType.Bool;
    }

    private static CelType Common(IEnumerable<CelType> types)
    {
        CelType? common = null;
        foreach (var type in types) common = common is null ? type : CelType.Join(common, type);
        return common ?? CelType.Any;
    }

    private CelCompileException NoOverload(CelExpression at, string function, ImmutableArray<CelType> types) =>
        Fault(at, $"found no matching overload for '{function}' applied to '({string.Join(", ", types.Select(static t => t.Name))})'");

    private CelCompileException Fault(CelExpression at, string why) => new(text, at.At, why);
}

/// <summary>The names by which types themselves are values: <c>type(x) == int</c>.</summary>
internal static class CelTypeNames
{
    public static CelType? Find(string name) => name switch
    {
        "bool" => CelType.Bool,
        "int" => CelType.Int,
        "uint" => CelType.UInt,
        "double" => CelType.Double,
        "string" => CelType.Text,
        "bytes" => CelType.Bytes,
        "list" => CelType.AnyList,
        "map" => CelType.AnyMap,
        "null_type" => CelType.Null,
        "type" => CelType.TypeName,
        _ => null,
    };
}

/// <summary>Which function a call means.</summary>
internal static class CelCalls
{
    /// <param name="isVariable">Whether a name is a variable where the call stands.</param>
    public static (string Function, ImmutableArray<CelExpression> Arguments, bool IsMember) Resolve(CelExpression.Call call, Func<string, bool> isVariable)
    {
        if (call.Target is CelExpression.Name prefix && !isVariable(prefix.Text) && CelFunctions.IsKnown($"{prefix.Text}.{call.Function}"))
        {
            return ($"{prefix.Text}.{call.Function}", call.Arguments, false);
        }

        return (call.Function, [.. call.All], call.Target is not null);
    }
}
