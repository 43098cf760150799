using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>
/// What an applier applied last time and does not name any more goes, unless somebody else owns it. What it never owned stays,
/// be it owned by nobody.
/// </summary>
internal static class GivenUp
{
    /// <param name="last">The applier's entry before.</param>
    /// <param name="owners">All entries, the applier's with what it names now.</param>
    public static JsonObject Remove(JsonObject merged, FieldOwner last, ManagedFields owners, string version, ObjectVersions versions)
    {
        if (versions.Type(last.ApiVersion) is not { } type || versions.Convert(merged, last.ApiVersion) is not { } whole) return merged;
        var dropped = FieldRemoval.WithNamedMembers(last.Fields, type);
        var pruned = FieldRemoval.Remove(whole, dropped, type);
        var kept = KeepOwned(versions.Return(whole, last.ApiVersion), versions.Return(pruned, last.ApiVersion), owners, version, versions);

        // Only what was the applier's may be gone in the end.
        var left = Everything(versions.Convert(kept, last.ApiVersion)!, type);
        var gone = Everything(whole, type).Except(left).Intersect(dropped);
        return versions.Return(FieldRemoval.Remove(whole, gone, type), last.ApiVersion);
    }

    /// <summary>Puts back what others own, each in the version in which they name it.</summary>
    private static JsonObject KeepOwned(JsonObject merged, JsonObject pruned, ManagedFields owners, string version, ObjectVersions versions)
    {
        foreach (var group in owners.Owners.GroupBy(static o => o.ApiVersion, StringComparer.Ordinal).OrderBy(g => g.Key != version).ThenBy(static g => g.Key, StringComparer.Ordinal))
        {
            if (versions.Type(group.Key) is not { } type) continue;
            var (whole, less) = (versions.Convert(merged, group.Key)!, versions.Convert(pruned, group.Key)!);
            var owned = FieldRemoval.WithNamedMembers(group.Aggregate(FieldSet.Empty, static (set, owner) => set.Union(owner.Fields)), type);
            pruned = versions.Return(FieldRemoval.Remove(whole, Everything(whole, type).Except(Everything(less, type).Union(owned)), type), group.Key);
        }

        return pruned;
    }

    private static FieldSet Everything(JsonObject obj, FieldType type) => FieldRemoval.WithNamedMembers(FieldCollection.Of(obj, type), type);
}
