using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>One of a schema's <c>x-kubernetes-validations</c>, compiled.</summary>
internal sealed class ValidationRule
{
    private readonly string _message;
    private readonly CelProgram? _messageExpression;
    private readonly FieldErrorKind _kind;
    private readonly string _fieldPath;

    private ValidationRule(JsonObject tree, CelProgram program, CelProgram? messageExpression)
    {
        Program = program;
        _messageExpression = messageExpression;
        _message = tree.Text("message") is { Length: > 0 } message ? message.Trim() : $"failed rule: {program.Text.Trim()}";
        _fieldPath = tree.Text("fieldPath") ?? "";
        _kind = tree.Text("reason") switch
        {
            "FieldValueRequired" => FieldErrorKind.Required,
            "FieldValueForbidden" => FieldErrorKind.Forbidden,
            "FieldValueDuplicate" => FieldErrorKind.Duplicate,
            _ => FieldErrorKind.Invalid,
        };
        IsTransition = program.Mentions(CelNames.Old);
        TakesMissingOld = tree.Flag("optionalOldSelf") == true;
    }

    public CelProgram Program { get; }

    /// <summary>Whether it compares with what was before; then it is asked on updates only.</summary>
    public bool IsTransition { get; }

    /// <summary>Whether it is asked on creation too, with an empty optional for what was before.</summary>
    public bool TakesMissingOld { get; }

    /// <summary>Reads the rules of one place of a schema; what does not compile is reported and left out.</summary>
    public static ImmutableArray<ValidationRule> Read(JsonNode schema, CelType self, string path, List<FieldError>? errors)
    {
        var rules = ImmutableArray.CreateBuilder<ValidationRule>();
        foreach (var (index, tree) in schema.Objects("x-kubernetes-validations"))
        {
            var at = $"{path}.x-kubernetes-validations[{index}]";
            var names = CelNames.Of(self, tree.Flag("optionalOldSelf") == true);
            var program = Compile(tree.Text("rule") ?? "", names, CelType.Bool, "bool", $"{at}.rule", errors);
            var message = tree.Text("messageExpression") is { Length: > 0 } text ? Compile(text, names, CelType.Text, "string", $"{at}.messageExpression", errors) : null;
            if (errors is not null) CheckForm(tree, at, errors);
            if (program is not null) rules.Add(new ValidationRule(tree, program, message));
        }

        return rules.ToImmutable();
    }

    /// <summary>Asks the rule; what it says against a value is added to the errors.</summary>
    public void Check(ImmutableDictionary<string, CelValue> names, string path, string type, CelBudget budget, List<FieldError> errors)
    {
        try
        {
            if (Program.Run(names, budget) is CelValue.Bool { Value: true }) return;
            errors.Add(new FieldError(path + Steps(_fieldPath), _kind, _kind is FieldErrorKind.Invalid or FieldErrorKind.Duplicate ? $"\"{type}\"" : null, Message(names, budget)));
        }
        catch (CelException broken)
        {
            errors.Add(FieldError.Invalid(path, $"\"{type}\"", $"rule evaluation error: {broken.Message} for rule: {Program.Text.Trim()}"));
        }
    }

    /// <summary>The made message; the fixed one where it cannot be made, or is none that fits on a line.</summary>
    private string Message(ImmutableDictionary<string, CelValue> names, CelBudget budget)
    {
        if (_messageExpression is null) return _message;
        try
        {
            return _messageExpression.Run(names, budget) is CelValue.Text { Value: var text } && text.Trim() is { Length: > 0 } line && !line.Contains('\n', StringComparison.Ordinal) ? line : _message;
        }
        catch (CelException)
        {
            return _message;
        }
    }

    private static CelProgram? Compile(string text, ImmutableDictionary<string, CelType> names, CelType wanted, string wantedName, string path, List<FieldError>? errors)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            errors?.Add(FieldError.Required(path, "rule is not specified"));
            return null;
        }

        try
        {
            var program = CelProgram.Compile(text, names);
            if (program.Type.Fits(wanted, [])) return program;
            errors?.Add(FieldError.Invalid(path, Quoted(text), $"compilation failed: must evaluate to a {wantedName}"));
        }
        catch (CelCompileException fault)
        {
            errors?.Add(FieldError.Invalid(path, Quoted(text), $"compilation failed: {fault.Message}"));
        }

        return null;
    }

    private static void CheckForm(JsonObject tree, string at, List<FieldError> errors)
    {
        if (tree.Text("message") is { } message && string.IsNullOrWhiteSpace(message)) errors.Add(FieldError.Invalid($"{at}.message", Quoted(message), "message must be non-empty if specified"));
        if (tree.Text("message")?.Trim().Contains('\n') == true) errors.Add(FieldError.Invalid($"{at}.message", Quoted(tree.Text("message")!), "message must not contain line breaks"));
        if (tree.Text("rule")?.Trim().Contains('\n') == true && string.IsNullOrEmpty(tree.Text("message"))) errors.Add(FieldError.Required($"{at}.message", "message must be specified if rule contains line breaks"));
        if (tree["reason"] is not null) PodSpecRules.OneOf(tree, "reason", at, ["FieldValueRequired", "FieldValueInvalid", "FieldValueForbidden", "FieldValueDuplicate"], errors);
        if (tree.Text("fieldPath") is { Length: > 0 } path && path[0] is not ('.' or '[')) errors.Add(FieldError.Invalid($"{at}.fieldPath", Quoted(path), "fieldPath must be a valid path: it begins with a dot or a bracket"));
    }

    /// <summary><c>['a.b']</c> is written <c>[a.b]</c> in errors.</summary>
    private static string Steps(string path) => path.Replace("['", "[", StringComparison.Ordinal).Replace("']", "]", StringComparison.Ordinal);

    private static string Quoted(string text) => $"\"{text.Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}

/// <summary>The variables of rules.</summary>
internal static class CelNames
{
    public const string Self = "self";
    public const string Old = "oldSelf";

    public static ImmutableDictionary<string, CelType> Of(CelType self, bool optionalOld) => ImmutableDictionary<string, CelType>.Empty
        .Add(Self, self).Add(Old, optionalOld ? new CelType.OptionalOf(self) : self);
}
