using System.Collections.Immutable;

namespace Mpi.Dialects;

/// <summary>RFC 1035 labels, which the names of pods and Services must be, in the words of Kubernetes (<c>IsDNS1035Label</c>).</summary>
internal static class DnsLabel
{
    private const int Limit = 63;

    /// <summary>What is wrong with a label; nothing when it is fine.</summary>
    public static ImmutableArray<string> Faults(string label)
    {
        var faults = ImmutableArray.CreateBuilder<string>();
        if (label.Length > Limit) faults.Add($"must be no more than {Limit} bytes");
        if (!HasForm(label))
        {
            faults.Add("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
                + "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')");
        }

        return faults.ToImmutable();
    }

    private static bool HasForm(string label) =>
        label.Length > 0
        && char.IsAsciiLetterLower(label[0])
        && label[^1] != '-'
        && label.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
