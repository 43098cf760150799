using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>Reads expressions by recursive descent, loosest binding first, and expands the macros.</summary>
internal sealed class CelParser
{
    /// <summary>Deeper nesting is refused (cel-go's limit).</summary>
    private const int DepthMax = 250;

    /// <summary>Not to be used as names, only as members.</summary>
    private static readonly FrozenSet<string> Reserved = new[]
    {
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly string[] Relations = ["==", "!=", "<", "<=", ">", ">=", "in"];
    private readonly string _text;
    private readonly List<CelToken> _tokens = [];
    private int _next;
    private int _depth;

    private CelParser(string text)
    {
        _text = text;
        var lexer = new CelLexer(text);
        CelToken token;
        do
        {
            token = lexer.Next();
            _tokens.Add(token);
        }
        while (token.Kind != CelTokenKind.End);
    }

    /// <exception cref="CelCompileException">The text is no expression.</exception>
    public static CelExpression Parse(string text)
    {
        var parser = new CelParser(text);
        var expression = parser.Expression();
        if (parser.Peek.Kind != CelTokenKind.End) throw parser.Unexpected();
        return expression;
    }

    private CelToken Peek => _tokens[_next];

    private CelExpression Expression()
    {
        if (++_depth > DepthMax) throw new CelCompileException(_text, Peek.At, "expression is nested too deeply");
        var condition = Or();
        if (Takes("?") is { } at)
        {
            var then = Or();
            Expect(":");
            condition = new CelExpression.Choice(at, condition, then, Expression());
        }

        _depth--;
        return condition;
    }

    private CelExpression Or()
    {
        var left = And();
        while (Takes("||") is { } at) left = new CelExpression.Or(at, left, And());
        return left;
    }

    private CelExpression And()
    {
        var left = Relation();
        while (Takes("&&") is { } at) left = new CelExpression.And(at, left, Relation());
        return left;
    }

    private CelExpression Relation() => Binary(Relations, () => Binary(["+", "-"], () => Binary(["*", "/", "%"], Unary)));

    private CelExpression Binary(string[] symbols, Func<CelExpression> operand)
    {
        var left = operand();
        while (Peek is { Kind: CelTokenKind.Symbol } token && symbols.Contains(token.Text))
        {
            _next++;
            left = new CelExpression.Call(token.At, token.Text == "in" ? "@in" : $"_{token.Text}_", null, [left, operand()]);
        }

        return left;
    }

    private CelExpression Unary()
    {
        if (++_depth > DepthMax) throw new CelCompileException(_text, Peek.At, "expression is nested too deeply");
        CelExpression made;
        if (Takes("!") is { } not) made = new CelExpression.Call(not, "!_", null, [Unary()]);
        else if (Takes("-") is { } minus) made = Unary() is var inner && inner is CelExpression.Literal { Value: CelValue.Int number } ? new CelExpression.Literal(minus, new CelValue.Int(-number.Value)) : new CelExpression.Call(minus, "-_", null, [inner]);
        else made = Postfix();
        _depth--;
        return made;
    }

    private CelExpression Postfix()
    {
        var expression = Primary();
        while (true)
        {
            if (Takes(".") is { } dot)
            {
                var optional = Takes("?") is not null;
                var name = Identifier();
                expression = !optional && Takes("(") is not null ? Called(dot, name, expression) : new CelExpression.Member(dot, expression, name, optional);
            }
            else if (Takes("[") is { } bracket)
            {
                var optional = Takes("?") is not null;
                expression = new CelExpression.Index(bracket, expression, Expression(), optional);
                Expect("]");
            }
            else
            {
                return expression;
            }
        }
    }

    private CelExpression Primary()
    {
        var token = _tokens[_next++];
        switch (token)
        {
            case { Kind: CelTokenKind.Literal }:
                return new CelExpression.Literal(token.At, token.Value!);
            case { Kind: CelTokenKind.Identifier } when Reserved.Contains(token.Text):
                throw new CelCompileException(_text, token.At, $"reserved identifier: {token.Text}");
            case { Kind: CelTokenKind.Identifier }:
                return Takes("(") is null ? new CelExpression.Name(token.At, token.Text) : Called(token.At, token.Text, null);
            case { Text: "(" }:
                var inner = Expression();
                Expect(")");
                return inner;
            case { Text: "[" }:
                return new CelExpression.MakeList(token.At, [.. Several("]", Expression)]);
            case { Text: "{" }:
                return new CelExpression.MakeMap(token.At, [.. Several("}", Entry)]);
            default:
                _next--;
                throw Unexpected();
        }
    }

    private (CelExpression Key, CelExpression Value) Entry()
    {
        var key = Expression();
        Expect(":");
        return (key, Expression());
    }

    private CelExpression Called(int at, string function, CelExpression? target)
    {
        var arguments = Several(")", Expression).ToImmutableArray();
        if (target is null && function == "has")
        {
            return arguments is [CelExpression.Member { Optional: false } member]
                ? new CelExpression.Has(at, member.Of, member.Field)
                : throw new CelCompileException(_text, at, "invalid argument to has() macro");
        }

        CelMacro? macro = function switch
        {
            "all" => CelMacro.All,
            "exists" => CelMacro.Exists,
            "exists_one" or "existsOne" => CelMacro.ExistsOne,
            "map" => CelMacro.Map,
            "filter" => CelMacro.Filter,
            _ => null,
        };
        if (macro is null || target is null || !(arguments.Length == 2 || (macro == CelMacro.Map && arguments.Length == 3))) return new CelExpression.Call(at, function, target, arguments);
        if (arguments[0] is not CelExpression.Name variable) throw new CelCompileException(_text, arguments[0].At, "argument must be a simple name");
        return new CelExpression.Through(at, macro.Value, target, variable.Text, arguments.Length == 3 ? arguments[1] : null, arguments[^1]);
    }

    private List<T> Several<T>(string close, Func<T> one)
    {
        var all = new List<T>();
        while (Takes(close) is null)
        {
            if (all.Count > 0)
            {
                Expect(",");
                if (Takes(close) is not null) break;
            }

            all.Add(one());
        }

        return all;
    }

    private string Identifier() => Peek.Kind == CelTokenKind.Identifier ? _tokens[_next++].Text : throw Unexpected();

    private int? Takes(string symbol)
    {
        if (Peek is not { Kind: CelTokenKind.Symbol } token || token.Text != symbol) return null;
        _next++;
        return token.At;
    }

    private void Expect(string symbol)
    {
        if (Takes(symbol) is null) throw new CelCompileException(_text, Peek.At, $"Syntax error: mismatched input '{Shown}' expecting '{symbol}'");
    }

    private string Shown => Peek.Kind == CelTokenKind.End ? "<EOF>" : Peek.Text.Length > 0 ? Peek.Text : Peek.Value!.Print();

    private CelCompileException Unexpected() => new(_text, Peek.At, $"Syntax error: mismatched input '{Shown}' expecting an expression");
}
