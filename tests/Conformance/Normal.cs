using System.Text.RegularExpressions;

namespace Conformance;

/// <summary>Takes out of what kubectl printed what differs from run to run: uids, times, ages, revisions, addresses, random endings, widths of columns.</summary>
internal static partial class Normal
{
    public static string Form(string output, string ns, string folder)
    {
        var text = output.Replace(ns, "NAMESPACE").Replace(folder, "FOLDER").ReplaceLineEndings("\n");
        text = Uids().Replace(text, "UID");
        text = Times().Replace(text, "TIME");
        text = Revisions().Replace(text, "$1RV$2");
        text = Addresses().Replace(text, "IP");
        text = Servers().Replace(text, "SERVER");
        text = TemporaryFiles().Replace(text, "FILE");
        text = EventNames().Replace(text, "$1.EVENT");
        text = TemplateHashes().Replace(text, "$1HASH");
        text = NamesWithHash().Replace(text, "$1-HASH");
        text = NameEndings().Replace(text, "$1-RANDOM");
        text = RevisionHashes().Replace(text, "$1HASH");
        text = ClientVersions(text);
        text = WatchLog().Replace(text, "");
        var lines = text.Split('\n').Select(Line).Where(static l => l.Length > 0);
        var joined = string.Join('\n', lines);
        return joined.Length > 0 ? joined + "\n" : "";
    }

    /// <summary>
    /// What kubectl's versions print differently, whatever the server: newer ones name the namespace of what they delete,
    /// older ones write empty times; all complain of servers that are much older or newer.
    /// </summary>
    private static string ClientVersions(string text)
    {
        text = text.Replace(" from NAMESPACE namespace", "").Replace("\"creationTimestamp\":null,", "");
        return OnlyInSomeVersions().Replace(text, "");
    }

    /// <summary>Newer versions log that a watch ended soon after it began, or before, which a short <c>--timeout</c> brings about or not.</summary>
    [GeneratedRegex(@"^([IW]\d{4} [\d:.]+ +\d+ reflector\.go:\d+\] .*|E\d{4} [\d:.]+ +\d+ reflector\.go:\d+\] .*context deadline exceeded"")\n", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex WatchLog();

    [GeneratedRegex(@"^(WARNING: version difference.*| *creationTimestamp: null)\n", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex OnlyInSomeVersions();

    /// <summary>Indentation stays: it is YAML's structure. Within a line, ages are one word and blanks are one column apart.</summary>
    private static string Line(string line)
    {
        var indent = line.Length - line.TrimStart(' ').Length;
        var rest = line[indent..].TrimEnd();
        if (rest.TrimStart('-', '=', ' ').Length == 0 && rest.Length > 8) return line[..indent] + "---";
        // Overlapping columns need two rounds: each takes the blanks on both sides.
        rest = Ages().Replace(Ages().Replace(rest, "$1AGE$2"), "$1AGE$2");
        rest = RelativeTimes().Replace(rest, "AGE");
        return line[..indent] + Blanks().Replace(rest, "  ");
    }

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Uids();

    [GeneratedRegex(@"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| \+0000( UTC)?)|(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w\w\w 20\d\d \d\d:\d\d:\d\d \+0000")]
    private static partial Regex Times();

    [GeneratedRegex("((?:resourceVersion|Resource Version)\"?: *\"?)\\d+(\"?)")]
    private static partial Regex Revisions();

    [GeneratedRegex(@"\b10\.96\.\d+\.\d+")]
    private static partial Regex Addresses();

    [GeneratedRegex(@"(https://)?(127\.0\.0\.1|localhost)(:\d+)?")]
    private static partial Regex Servers();

    [GeneratedRegex(@"/tmp/(kubectl-edit-\d+\.yaml|(LIVE|MERGED)-\d+)")]
    private static partial Regex TemporaryFiles();

    /// <summary>An event is named after its object and the nanosecond.</summary>
    [GeneratedRegex(@"\b([a-z0-9.-]+)\.[0-9a-f]{16}\b")]
    private static partial Regex EventNames();

    [GeneratedRegex("(pod-template-hash\"?[=:] *\"?)[a-z0-9]+")]
    private static partial Regex TemplateHashes();

    [GeneratedRegex("(controller-revision-hash\"?[=:] *\"?[a-z0-9-]*-)[a-z0-9]+")]
    private static partial Regex RevisionHashes();

    /// <summary>A ReplicaSet's name: the letters are those of <c>k8s.io/apimachinery/pkg/util/rand</c>, which has no vowels and nothing that looks like another.</summary>
    [GeneratedRegex(@"\b([a-z0-9][a-z0-9-]*)-[bcdf-hj-np-tv-xz2456789]{8,10}\b")]
    private static partial Regex NamesWithHash();

    [GeneratedRegex(@"\b((?:[a-z0-9][a-z0-9-]*)(?:-HASH)?)-(?=[a-z]*[2456789]|[bcdf-hj-np-tv-xz]{5}\b)[bcdf-hj-np-tv-xz2456789]{5}\b")]
    private static partial Regex NameEndings();

    /// <summary>An age in a column of its own; sessions are minutes long, and <c>100m</c> is a quantity.</summary>
    [GeneratedRegex(@"(^|  |\t)(?!\d+m(?: |\t|$))(?:\d+[smhdy])+(  |\t|$)")]
    private static partial Regex Ages();

    /// <summary>Ages in words: <c>(3s ago)</c>, <c>5s (x2 over 9s)</c>.</summary>
    [GeneratedRegex(@"\b(?:\d+[smhdy])+(?= ago\b|\)| \(x\d)")]
    private static partial Regex RelativeTimes();

    [GeneratedRegex(" {2,}|\t+ *")]
    private static partial Regex Blanks();
}
