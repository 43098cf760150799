using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Kube.Types;

/// <summary>
/// A label selector: requirements that must all hold. Read from the string form that stands in URLs
/// (<c>app=x,role!=y,tier in (a,b),!old</c>) or from the object form in manifests (<c>matchLabels</c>, <c>matchExpressions</c>).
/// Requirements are kept sorted by key, as Kubernetes prints them. Immutable; equal when equally printed.
/// </summary>
public sealed class LabelSelector : IEquatable<LabelSelector>
{
    private readonly string _text;

    private LabelSelector(IEnumerable<LabelRequirement> requirements, bool matchesNothing = false)
    {
        Requirements =
        [
            .. requirements.OrderBy(static r => r.Key, StringComparer.Ordinal)
                .Select(static r => r with { Values = [.. r.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)] }),
        ];
        MatchesNothing = matchesNothing;
        _text = string.Join(",", Requirements);
    }

    /// <summary>The empty selector, which selects every object.</summary>
    public static LabelSelector Everything { get; } = new([]);

    /// <summary>An absent selector in a manifest, which selects no object (<c>metav1.LabelSelectorAsSelector</c> of nil).</summary>
    public static LabelSelector Nothing { get; } = new([], matchesNothing: true);

    public ImmutableArray<LabelRequirement> Requirements { get; }

    public bool MatchesNothing { get; }

    public bool MatchesEverything => !MatchesNothing && Requirements.IsEmpty;

    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        if (MatchesNothing) return false;
        foreach (var requirement in Requirements)
        {
            if (!requirement.Matches(labels)) return false;
        }

        return true;
    }

    /// <summary>The selector that asks for these labels exactly.</summary>
    public static LabelSelector ForLabels(IEnumerable<KeyValuePair<string, string>> labels) =>
        new(labels.Select(static l => new LabelRequirement(l.Key, LabelOperator.In, [l.Value])));

    public static LabelSelector ForRequirements(params IEnumerable<LabelRequirement> requirements) => new(requirements);

    /// <exception cref="FormatException">The text is no selector; the message says where and why.</exception>
    public static LabelSelector Parse(string text) =>
        TryParse(text, out var selector, out var error) ? selector : throw new FormatException(error);

    public static bool TryParse(string text, [NotNullWhen(true)] out LabelSelector? selector, [NotNullWhen(false)] out string? error)
    {
        error = LabelSelectorParser.Parse(text, out var requirements);
        selector = error is null ? new LabelSelector(requirements) : null;
        return error is null;
    }

    /// <summary>
    /// Reads the object form. An absent or null selector reads as <see cref="Nothing"/>, an empty one as <see cref="Everything"/>.
    /// </summary>
    /// <param name="path">Where the selector stands, for the errors.</param>
    public static LabelSelector Read(JsonElement selector, string path, ICollection<FieldError> errors)
    {
        if (selector.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null) return Nothing;
        var requirements = new List<LabelRequirement>();
        foreach (var label in selector.Members("matchLabels"))
        {
            var value = label.Value.ValueKind == JsonValueKind.String ? label.Value.GetString()! : label.Value.GetRawText();
            if (Check(label.Name, [value], $"{path}.matchLabels", $"{path}.matchLabels", errors)) requirements.Add(new(label.Name, LabelOperator.In, [value]));
        }

        var index = 0;
        foreach (var expression in selector.Items("matchExpressions"))
        {
            var at = $"{path}.matchExpressions[{index++}]";
            if (ReadExpression(expression, at, errors) is { } requirement) requirements.Add(requirement);
        }

        return new LabelSelector(requirements);
    }

    private static LabelRequirement? ReadExpression(JsonElement expression, string at, ICollection<FieldError> errors)
    {
        var key = expression.Text("key") ?? "";
        ImmutableArray<string> values = [.. expression.Items("values").Select(static v => v.ValueKind == JsonValueKind.String ? v.GetString()! : v.GetRawText())];
        var name = expression.Text("operator") ?? "";
        LabelOperator? operation = name switch
        {
            "In" => LabelOperator.In,
            "NotIn" => LabelOperator.NotIn,
            "Exists" => LabelOperator.Exists,
            "DoesNotExist" => LabelOperator.DoesNotExist,
            _ => null,
        };
        if (operation is null)
        {
            errors.Add(FieldError.Invalid($"{at}.operator", $"\"{name}\"", "not a valid selector operator", "use In, NotIn, Exists or DoesNotExist"));
            return null;
        }

        var before = errors.Count;
        if (operation is LabelOperator.In or LabelOperator.NotIn && values.IsEmpty)
        {
            errors.Add(FieldError.Required($"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'"));
        }

        if (operation is LabelOperator.Exists or LabelOperator.DoesNotExist && !values.IsEmpty)
        {
            errors.Add(new FieldError($"{at}.values", FieldErrorKind.Forbidden, null, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        }

        Check(key, values, $"{at}.key", $"{at}.values", errors);
        return errors.Count == before ? new LabelRequirement(key, operation.Value, values) : null;
    }

    private static bool Check(string key, ImmutableArray<string> values, string keyPath, string valuesPath, ICollection<FieldError> errors)
    {
        var before = errors.Count;
        foreach (var fault in Names.CheckQualifiedName(key)) errors.Add(FieldError.Invalid(keyPath, $"\"{key}\"", fault));
        for (var i = 0; i < values.Length; i++)
        {
            var at = keyPath == valuesPath ? keyPath : $"{valuesPath}[{i}]";
            foreach (var fault in Names.CheckLabelValue(values[i])) errors.Add(FieldError.Invalid(at, $"\"{values[i]}\"", fault));
        }

        return errors.Count == before;
    }

    public bool Equals(LabelSelector? other) => other is not null && MatchesNothing == other.MatchesNothing && _text == other._text;

    public override bool Equals(object? obj) => Equals(obj as LabelSelector);

    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <summary>The string form, which <see cref="Parse"/> reads back (<see cref="Nothing"/> has none and prints as empty).</summary>
    public override string ToString() => _text;
}

public enum LabelOperator { In, NotIn, Exists, DoesNotExist, GreaterThan, LessThan }

/// <summary>One requirement of a <see cref="LabelSelector"/>.</summary>
/// <param name="Values">One value for the comparisons, none for existence.</param>
public sealed record LabelRequirement(string Key, LabelOperator Operator, ImmutableArray<string> Values)
{
    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        var present = labels.TryGetValue(Key, out var value);
        return Operator switch
        {
            LabelOperator.In => present && Values.Contains(value!),
            // An absent label is not in any set: kubectl get -l 'a!=b' lists objects without a.
            LabelOperator.NotIn => !present || !Values.Contains(value!),
            LabelOperator.Exists => present,
            LabelOperator.DoesNotExist => !present,
            LabelOperator.GreaterThan => present && long.TryParse(value, out var more) && long.TryParse(Values[0], out var floor) && more > floor,
            _ => present && long.TryParse(value, out var less) && long.TryParse(Values[0], out var bound) && less < bound,
        };
    }

    public override string ToString() => Operator switch
    {
        LabelOperator.In when Values.Length == 1 => $"{Key}={Values[0]}",
        LabelOperator.NotIn when Values.Length == 1 => $"{Key}!={Values[0]}",
        LabelOperator.In => $"{Key} in ({string.Join(',', Values)})",
        LabelOperator.NotIn => $"{Key} notin ({string.Join(',', Values)})",
        LabelOperator.Exists => Key,
        LabelOperator.DoesNotExist => $"!{Key}",
        LabelOperator.GreaterThan => $"{Key}>{Values[0]}",
        _ => $"{Key}<{Values[0]}",
    };
}
