using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;

namespace Kube.ApiServer;

/// <summary>Reads the lines of <c>facts.txt</c>; the head of the file says what they mean.</summary>
internal static class ShapeFacts
{
    /// <param name="words">The line's words after the type's name; none for a type of which nothing is said.</param>
    public static Shape Describe(string name, string[] words)
    {
        var members = words.Skip(1).Where(static w => w is not ("+kind" or "*:atomic")).Select(static w => w.Split(':', 2));
        return new Shape(name)
        {
            Package = words.FirstOrDefault() ?? "",
            IsKind = words.Contains("+kind"),
            IsAtomic = words.Contains("*:atomic"),
            Facts = members.ToFrozenDictionary(static m => m[0], static m => Read(m[1]), StringComparer.Ordinal),
        };
    }

    private static MemberFacts Read(string text)
    {
        var facts = MemberFacts.None;
        foreach (var fact in text.Split(','))
        {
            var (word, inside) = Split(fact);
            facts = word switch
            {
                "required" => facts with { IsRequired = true },
                "atomic" or "set" => facts with { Merging = word },
                "map" => facts with { Merging = word, Keys = [.. inside.Split('+')] },
                "merge" or "retainKeys" or "replace" => facts with { PatchStrategy = facts.PatchStrategy.Length == 0 ? word : $"{facts.PatchStrategy},{word}", PatchKey = facts.PatchKey + inside },
                "default" => facts with { Default = JsonTree.Read(Encoding.UTF8.GetBytes(inside), null) },
                "enum" => facts with { Enum = [.. inside.Split('|')] },
                _ => throw new FormatException($"\"{fact}\" is no fact"),
            };
        }

        return facts;
    }

    /// <summary>Such as <c>map(name)</c> or <c>default="TCP"</c>.</summary>
    private static (string Word, string Inside) Split(string fact)
    {
        var cut = fact.IndexOfAny(['(', '=']);
        return cut < 0 ? (fact, "") : (fact[..cut], fact[cut] == '(' ? fact[(cut + 1)..^1] : fact[(cut + 1)..]);
    }
}
