using System.Collections.Immutable;

namespace Kube.Types;

/// <summary>
/// Kubernetes' rules for names, with its own error texts (<c>k8s.io/apimachinery/pkg/util/validation</c>), because users search
/// for those. Each check returns every fault; none means valid.
/// </summary>
public static class Names
{
    public const int LabelLengthMax = 63;
    public const int SubdomainLengthMax = 253;
    private const int PortNameLengthMax = 15;

    /// <summary>RFC 1123 label: names of namespaces and of most parts of host names.</summary>
    public static ImmutableArray<string> CheckDns1123Label(string name) => Check(
        name, LabelLengthMax, IsDns1123Label,
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?", ["my-name", "123-abc"]);

    /// <summary>RFC 1123 subdomain: names of most objects.</summary>
    public static ImmutableArray<string> CheckDns1123Subdomain(string name) => Check(
        name, SubdomainLengthMax, static n => n.Split('.').All(IsDns1123Label),
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        @"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", ["example.com"]);

    /// <summary>RFC 1035 label: names of Services.</summary>
    public static ImmutableArray<string> CheckDns1035Label(string name) => Check(
        name, LabelLengthMax, static n => IsDns1123Label(n) && n[0] is >= 'a' and <= 'z',
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        "[a-z]([-a-z0-9]*[a-z0-9])?", ["my-name", "abc-123"]);

    /// <summary>Keys of labels and annotations, names of extended resources: <c>[prefix/]name</c>.</summary>
    public static ImmutableArray<string> CheckQualifiedName(string name)
    {
        var parts = name.Split('/');
        if (parts.Length > 2)
        {
            return ["a valid label key " + Describe(QualifiedNameRule, QualifiedNamePattern, "MyName", "my.name", "123-abc")
                + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"];
        }

        var faults = ImmutableArray.CreateBuilder<string>();
        if (parts.Length == 2)
        {
            if (parts[0].Length == 0) faults.Add("prefix part must be non-empty");
            else foreach (var fault in CheckDns1123Subdomain(parts[0])) faults.Add("prefix part " + fault);
        }

        var last = parts[^1];
        if (last.Length == 0) faults.Add("name part must be non-empty");
        else if (last.Length > LabelLengthMax) faults.Add($"name part {TooLong(LabelLengthMax, "bytes")}");
        if (!IsQualifiedPart(last)) faults.Add("name part " + Describe(QualifiedNameRule, QualifiedNamePattern, "MyName", "my.name", "123-abc"));
        return faults.ToImmutable();
    }

    public static ImmutableArray<string> CheckLabelValue(string value) => Check(
        value, LabelLengthMax, static v => v.Length == 0 || IsQualifiedPart(v),
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", ["MyValue", "my_value", "12345"], unit: "bytes");

    /// <summary>Keys of ConfigMaps and Secrets, which become file names.</summary>
    public static ImmutableArray<string> CheckConfigMapKey(string key)
    {
        var faults = Check(
            key, SubdomainLengthMax, static k => k.Length > 0 && k.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'),
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            "[-._a-zA-Z0-9]+", ["key.name", "KEY_NAME", "key-name"]);
        return key switch
        {
            "." => faults.Add("must not be '.'"),
            ".." => faults.Add("must not be '..'"),
            ['.', '.', ..] => faults.Add("must not start with '..'"),
            _ => faults,
        };
    }

    /// <summary>Kubernetes takes nearly anything as the name of a variable since 1.34; before, what a shell can name, with '-' and '.'.</summary>
    public static ImmutableArray<string> CheckEnvironmentName(string name) =>
        name.Length > 0 && name.All(static c => c is >= ' ' and <= '~' and not '=')
            ? []
            : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];

    private const string QualifiedNameRule =
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

    private const string QualifiedNamePattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

    /// <summary>A container port's name (<c>IsValidPortName</c>, after RFC 6335): at most 15 letters, digits and single hyphens, with a letter.</summary>
    public static ImmutableArray<string> CheckPortName(string name)
    {
        var faults = ImmutableArray.CreateBuilder<string>();
        if (name.Length > PortNameLengthMax) faults.Add(TooLong(PortNameLengthMax, "characters"));
        if (!name.All(static c => IsLowerOrDigit(c) || c == '-')) faults.Add("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
        if (!name.Any(static c => c is >= 'a' and <= 'z')) faults.Add("must contain at least one letter (a-z)");
        if (name.Contains("--", StringComparison.Ordinal)) faults.Add("must not contain consecutive hyphens");
        if (name.StartsWith('-') || name.EndsWith('-')) faults.Add("must not begin or end with a hyphen");
        return faults.ToImmutable();
    }

    private static bool IsDns1123Label(string text) =>
        text.Length > 0 && IsLowerOrDigit(text[0]) && IsLowerOrDigit(text[^1]) && text.All(static c => IsLowerOrDigit(c) || c == '-');

    private static bool IsQualifiedPart(string text) =>
        text.Length > 0 && char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1])
        && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static bool IsLowerOrDigit(char c) => c is (>= 'a' and <= 'z') or (>= '0' and <= '9');

    private static ImmutableArray<string> Check(
        string text, int lengthMax, Func<string, bool> isValid, string rule, string pattern, ReadOnlySpan<string> examples, string unit = "characters")
    {
        ImmutableArray<string> length = System.Text.Encoding.UTF8.GetByteCount(text) > lengthMax ? [TooLong(lengthMax, unit)] : [];
        return isValid(text) ? length : length.Add(Describe(rule, pattern, examples));
    }

    /// <summary>Lengths count bytes; Kubernetes 1.35 says so for labels, and still says characters for names.</summary>
    private static string TooLong(int lengthMax, string unit) => $"must be no more than {lengthMax} {unit}";

    /// <summary>Kubernetes' wording, the blank before each further example included: <c>(e.g. 'a',  or 'b', regex used for validation is 'c')</c>.</summary>
    private static string Describe(string rule, string pattern, params ReadOnlySpan<string> examples)
    {
        var text = rule + " (e.g. ";
        for (var i = 0; i < examples.Length; i++) text += $"{(i > 0 ? " or " : "")}'{examples[i]}', ";
        return $"{text}regex used for validation is '{pattern}')";
    }
}
