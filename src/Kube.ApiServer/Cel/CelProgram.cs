using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>How much work a rule, and all rules of an object together, may still do. One step is one node or one item gone through.</summary>
internal sealed class CelBudget(long steps)
{
    private long _left = steps;

    public bool IsSpent => _left < 0;

    /// <exception cref="CelBudgetException">There is nothing left.</exception>
    public void Spend(long steps)
    {
        _left -= steps;
        if (_left < 0) throw new CelBudgetException();
    }
}

internal sealed class CelBudgetException() : Exception("operation cancelled: actual cost limit exceeded");

/// <summary>A compiled expression, to be run many times. Immutable.</summary>
internal sealed class CelProgram
{
    private readonly CelExpression _root;

    private CelProgram(string text, CelExpression root, CelType type)
    {
        Text = text;
        _root = root;
        Type = type;
    }

    public string Text { get; }

    /// <summary>What it gives.</summary>
    public CelType Type { get; }

    /// <exception cref="CelCompileException">The text is no expression over these names.</exception>
    public static CelProgram Compile(string text, ImmutableDictionary<string, CelType> names)
    {
        var root = CelParser.Parse(text);
        return new CelProgram(text, root, new CelChecker(text, names).Check(root));
    }

    /// <summary>Whether a name is used.</summary>
    public bool Mentions(string name) => Mentions(_root, name);

    /// <exception cref="CelException">There is no value.</exception>
    /// <exception cref="CelBudgetException">It took too long.</exception>
    public CelValue Run(ImmutableDictionary<string, CelValue> names, CelBudget budget) => new CelRun(budget).Value(_root, names);

    private static bool Mentions(CelExpression expression, string name) => expression switch
    {
        CelExpression.Name n => n.Text == name,
        CelExpression.Member m => Mentions(m.Of, name),
        CelExpression.Has h => Mentions(h.Of, name),
        CelExpression.Index i => Mentions(i.Of, name) || Mentions(i.Key, name),
        CelExpression.Call c => c.All.Any(a => Mentions(a, name)),
        CelExpression.And a => Mentions(a.Left, name) || Mentions(a.Right, name),
        CelExpression.Or o => Mentions(o.Left, name) || Mentions(o.Right, name),
        CelExpression.Choice c => Mentions(c.If, name) || Mentions(c.Then, name) || Mentions(c.Else, name),
        CelExpression.MakeList l => l.Items.Any(i => Mentions(i, name)),
        CelExpression.MakeMap m => m.Entries.Any(e => Mentions(e.Key, name) || Mentions(e.Value, name)),
        CelExpression.Through t => Mentions(t.Range, name) || (t.Filter is not null && Mentions(t.Filter, name)) || Mentions(t.Body, name),
        _ => false,
    };
}

/// <summary>One run of a program.</summary>
internal sealed class CelRun(CelBudget budget)
{
    public CelValue Value(CelExpression expression, ImmutableDictionary<string, CelValue> names)
    {
        budget.Spend(1);
        return expression switch
        {
            CelExpression.Literal literal => literal.Value,
            CelExpression.Name name => names.GetValueOrDefault(name.Text) ?? (CelTypeNames.Find(name.Text) is { } type ? new CelValue.Type(type) : throw new CelException($"no such attribute: {name.Text}")),
            CelExpression.Member member => Member(Value(member.Of, names), member.Field, member.Optional),
            CelExpression.Has has => new CelValue.Bool(Value(has.Of, names) is CelValue.Map map && map.Entries.ContainsKey(has.Field)),
            CelExpression.Index index => Item(Value(index.Of, names), Value(index.Key, names), index.Optional),
            CelExpression.Call call => Call(call, names),
            CelExpression.And and => Either(and.Left, and.Right, names, decisive: false),
            CelExpression.Or or => Either(or.Left, or.Right, names, decisive: true),
            CelExpression.Choice choice => Value(Truth(Value(choice.If, names)) ? choice.Then : choice.Else, names),
            CelExpression.MakeList list => new CelValue.List([.. list.Items.Select(i => Value(i, names))]),
            CelExpression.MakeMap map => Map(map, names),
            CelExpression.Through through => Through(through, names),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static CelValue Member(CelValue of, string field, bool optional)
    {
        if (of is CelValue.Optional chained)
        {
            return chained.Inner is null ? CelValue.Optional.None : Member(chained.Inner, field, optional: true);
        }

        if (of is not CelValue.Map map) throw new CelException(of is CelValue.Null ? $"no such key: {field}" : "no such overload");
        if (map.Entries.TryGetValue(field, out var value)) return optional ? new CelValue.Optional(value) : value;
        return optional ? CelValue.Optional.None : throw new CelException($"no such key: {field}");
    }

    private static CelValue Item(CelValue of, CelValue key, bool optional)
    {
        switch (of, key)
        {
            case (CelValue.Optional { Inner: null }, _):
                return CelValue.Optional.None;
            case (CelValue.Optional { Inner: { } inner }, _):
                return Item(inner, key, optional: true);
            case (CelValue.Map, CelValue.Text name):
                return Member(of, name.Value, optional);
            case (CelValue.List list, CelValue.Int at) when at.Value >= 0 && at.Value < list.Items.Count:
                return optional ? new CelValue.Optional(list.Items[(int)at.Value]) : list.Items[(int)at.Value];
            case (CelValue.List, CelValue.Int at):
                return optional ? CelValue.Optional.None : throw new CelException($"index out of bounds: {at.Value}");
            default:
                throw new CelException("no such overload");
        }
    }

    private CelValue Call(CelExpression.Call call, ImmutableDictionary<string, CelValue> names)
    {
        var (function, expressions, isMember) = CelCalls.Resolve(call, names.ContainsKey);
        var arguments = expressions.Select(a => Value(a, names)).ToImmutableArray();
        foreach (var argument in arguments) budget.Spend(Size(argument));
        var types = arguments.Select(static a => a.TypeOf).ToArray();
        foreach (var overload in CelFunctions.Find(function, isMember))
        {
            if (overload.Accepts(types, [])) return overload.Run(arguments);
        }

        // Values of different types are not equal; that is no error.
        return function switch
        {
            "_==_" => new CelValue.Bool(CelValue.Same(arguments[0], arguments[1])),
            "_!=_" => new CelValue.Bool(!CelValue.Same(arguments[0], arguments[1])),
            _ => throw new CelException("no such overload"),
        };
    }

    /// <summary>What a function may go through.</summary>
    private static int Size(CelValue value) => value switch
    {
        CelValue.Text text => text.Value.Length / 10,
        CelValue.List list => list.Items.Count,
        CelValue.Map map => map.Entries.Count,
        _ => 0,
    };

    /// <summary><c>&amp;&amp;</c> and <c>||</c>: one side that decides makes the other side's error unimportant.</summary>
    private CelValue Either(CelExpression left, CelExpression right, ImmutableDictionary<string, CelValue> names, bool decisive)
    {
        bool first;
        try
        {
            first = Truth(Value(left, names));
        }
        catch (CelException)
        {
            if (Truth(Value(right, names)) == decisive) return new CelValue.Bool(decisive);
            throw;
        }

        return first == decisive ? new CelValue.Bool(decisive) : new CelValue.Bool(Truth(Value(right, names)));
    }

    private CelValue.Map Map(CelExpression.MakeMap map, ImmutableDictionary<string, CelValue> names)
    {
        var entries = new Dictionary<string, CelValue>(StringComparer.Ordinal);
        foreach (var (key, value) in map.Entries)
        {
            if (Value(key, names) is not CelValue.Text name) throw new CelException("unsupported key type");
            if (!entries.TryAdd(name.Value, Value(value, names))) throw new CelException($"Failed with repeated key: {name.Value}");
        }

        return new CelValue.Map(entries);
    }

    private CelValue Through(CelExpression.Through through, ImmutableDictionary<string, CelValue> names)
    {
        var items = Value(through.Range, names) switch
        {
            CelValue.List list => list.Items,
            CelValue.Map map => [.. map.Entries.Keys.Select(static k => new CelValue.Text(k))],
            _ => throw new CelException("no such overload"),
        };
        return through.Macro switch
        {
            CelMacro.All => Decide(through, items, names, decisive: false),
            CelMacro.Exists => Decide(through, items, names, decisive: true),
            CelMacro.ExistsOne => new CelValue.Bool(items.Count(i => Holds(through.Body, i)) == 1),
            CelMacro.Filter => new CelValue.List([.. items.Where(i => Holds(through.Body, i))]),
            _ => new CelValue.List([.. items.Where(i => through.Filter is null || Holds(through.Filter, i)).Select(i => Value(through.Body, With(i)))]),
        };

        ImmutableDictionary<string, CelValue> With(CelValue item) => names.SetItem(through.Variable, item);
        bool Holds(CelExpression body, CelValue item) => Truth(Value(body, With(item)));
    }

    /// <summary>Goes on after an error: a later item may decide.</summary>
    private CelValue.Bool Decide(CelExpression.Through through, IReadOnlyList<CelValue> items, ImmutableDictionary<string, CelValue> names, bool decisive)
    {
        CelException? fault = null;
        foreach (var item in items)
        {
            try
            {
                if (Truth(Value(through.Body, names.SetItem(through.Variable, item))) == decisive) return new CelValue.Bool(decisive);
            }
            catch (CelException broken)
            {
                fault = broken;
            }
        }

        return fault is null ? new CelValue.Bool(!decisive) : throw fault;
    }

    private static bool Truth(CelValue value) => value is CelValue.Bool truth ? truth.Value : throw new CelException("no such overload");
}
