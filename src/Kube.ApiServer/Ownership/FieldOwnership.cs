using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// Decides who owns what after a write, as kube-apiserver's field managers do (KEP-555). Who writes a value owns it, and who owned it before
/// does so no longer; what is removed nobody owns. An applier owns what its configuration names, together with all who apply the same.
/// </summary>
/// <param name="manager">Who writes.</param>
internal sealed class FieldOwnership(WriteContext context, string manager)
{
    /// <summary>Updates of the newest of which an object keeps an entry of their own; older ones are merged into one.</summary>
    private const int UpdatersMax = 10;

    private const string Ancient = "ancient-changes";
    private const string BeforeFirstApply = "before-first-apply";

    /// <summary>What is never owned: it names the object, or is the server's own.</summary>
    private static readonly FieldSet Unowned = FieldSet.Of(
        ["apiVersion"], ["kind"], ["metadata"], ["metadata", "name"], ["metadata", "namespace"], ["metadata", "creationTimestamp"], ["metadata", "selfLink"],
        ["metadata", "uid"], ["metadata", "clusterName"], ["metadata", "generation"], ["metadata", "managedFields"], ["metadata", "resourceVersion"]);

    private readonly ObjectVersions _versions = new(context);

    /// <summary>Entries of the subresource scale have no time in Kubernetes: it is lost on the way from the Scale to the object.</summary>
    private string Now => context.Call.Subresource == "scale" ? "" : KubeTime.Format(context.Now);

    private string Version => context.Kind.ApiVersion;
    private FieldSet Ignored => context.Strategy.FieldsNotWritten(context.Call.Subresource);

    /// <summary>After a create (<paramref name="before"/> is then the kind's empty object), an update or a patch.</summary>
    /// <returns>The owners as they were when an object does not fit its type: a write does not fail for its book-keeping.</returns>
    public ManagedFields AfterUpdate(JsonObject before, JsonObject after, ManagedFields owners)
    {
        // An object whose owners were taken away stays without any, until somebody applies to it.
        if (owners.IsEmpty && before.Text("metadata", "uid") is not null) return owners;
        try
        {
            return Capped(Updated(before, after, Fitting(owners), manager));
        }
        catch (FieldTypeException)
        {
            return owners;
        }
    }

    /// <summary>Merges a configuration into an object, and says who owns what then.</summary>
    /// <exception cref="ApiException">Others own what the configuration would change, and it is not forced; or an object does not fit its type.</exception>
    public (JsonObject Object, ManagedFields Owners) Apply(JsonObject live, JsonObject config, ManagedFields owners, bool force)
    {
        try
        {
            owners = owners.IsEmpty ? Capped(Updated(context.Strategy.Empty, live, owners, BeforeFirstApply)) : Fitting(owners);
            var (applied, after, conflicts) = Merge(live, config, owners);
            if (!force && LastApplied.WithoutAllowed(conflicts, live, manager, _versions.Type(Version)!) is { IsEmpty: false } left) throw FieldConflicts.Refuse(left, context);
            LastApplied.Sync(applied, config, manager);
            return (applied, after);
        }
        catch (FieldTypeException untold)
        {
            throw Untyped("live", live, untold.Message);
        }
    }

    /// <summary>A configuration, or a stored object, that is not as its type says. Kubernetes answers so with an internal error.</summary>
    public static ApiException Untyped(string which, JsonObject obj, string why)
    {
        var version = obj.Text("apiVersion") ?? "";
        var type = $"{(version.Contains('/', StringComparison.Ordinal) ? version : $"/{version}")}, Kind={obj.Text("kind")}";
        return new ApiException(new ApiStatus(
            500, ApiReason.Unknown, $"failed to create typed {which} object ({obj.Text("metadata", "namespace")}/{obj.Text("metadata", "name")}; {type}): {why}"));
    }

    /// <summary>Entries as the schema of today has the fields; the schemas of built-in kinds do not change.</summary>
    private ManagedFields Fitting(ManagedFields owners)
    {
        if (context.Strategy is not CustomResourceKind) return owners;
        return new ManagedFields([.. owners.Owners.Select(o => _versions.Type(o.ApiVersion) is { } type ? o with { Fields = FieldFitting.Fit(o.Fields, type) } : o)]);
    }

    private FieldOwner Self(bool isApply) => new(manager, isApply, Version, context.Call.Subresource ?? "", "", FieldSet.Empty);

    private ManagedFields Updated(JsonObject before, JsonObject after, ManagedFields owners, string updater)
    {
        var comparison = _versions.Compare(before, after, Version)!.Without(Ignored);
        var rest = Yield(owners, before, after, except: null);
        var self = Self(isApply: false) with { Manager = updater, Time = Now, Fields = comparison.Written.Except(Unowned) };
        return self.Fields.IsEmpty ? rest : rest.With(self with { Fields = self.Fields.Union(rest.Find(self)?.Fields ?? FieldSet.Empty) });
    }

    private (JsonObject Applied, ManagedFields Owners, ImmutableArray<FieldConflict> Conflicts) Merge(JsonObject live, JsonObject config, ManagedFields owners)
    {
        var type = _versions.Type(Version)!;
        var last = owners.Find(Self(isApply: true));
        var self = Self(isApply: true) with { Time = last?.Time ?? "", Fields = FieldCollection.Of(config, type).ExceptTrees(Ignored) };
        var merged = FieldMerging.Merge(live, config, type);
        if (last is not null) merged = GivenUp.Remove(merged, last, owners.With(self), Version, _versions);

        var written = _versions.Compare(live, merged, Version)!.Without(Ignored).Written;
        var conflicts = owners.Owners.Where(o => !o.IsSameOwner(self)).SelectMany(o => FieldConflicts.Of(o, WrittenIn(o.ApiVersion))).ToImmutableArray();
        if (!live.SameAs(merged)) self = self with { Time = Now };
        return (merged, Yield(owners, live, merged, except: self).With(self with { Fields = self.Fields.Except(Unowned) }), conflicts);

        FieldSet WrittenIn(string version) => version == Version ? written : _versions.Compare(live, merged, version)?.Without(Ignored).Written ?? FieldSet.Empty;
    }

    /// <summary>The others' entries without what was written or removed; those of versions that are no longer served are dropped.</summary>
    private ManagedFields Yield(ManagedFields owners, JsonObject before, JsonObject after, FieldOwner? except)
    {
        var kept = owners.Owners.ToBuilder();
        kept.Clear();
        foreach (var owner in owners.Owners)
        {
            if (except is not null && owner.IsSameOwner(except)) continue;
            if (_versions.Compare(before, after, owner.ApiVersion)?.Without(Ignored) is not { } comparison) continue;
            var left = owner.Fields.Except(comparison.Written).Except(comparison.Removed);
            if (!left.IsEmpty) kept.Add(ReferenceEquals(left, owner.Fields) ? owner : owner with { Fields = left });
        }

        return new ManagedFields(kept.ToImmutable());
    }

    private static ManagedFields Capped(ManagedFields owners)
    {
        var updaters = owners.Owners.Where(static o => !o.IsApply).OrderBy(static o => o.Time, StringComparer.Ordinal).ThenBy(static o => o.Manager, StringComparer.Ordinal).ToList();
        var first = new Dictionary<string, FieldOwner>(StringComparer.Ordinal);
        var surplus = updaters.Count - UpdatersMax;
        foreach (var updater in updaters)
        {
            if (surplus <= 0) break;
            if (!first.TryGetValue(updater.ApiVersion, out var oldest))
            {
                // One alone stays what it is; the second oldest of its version begins the merging.
                first.Add(updater.ApiVersion, updater);
                continue;
            }

            var bucket = new FieldOwner(Ancient, false, updater.ApiVersion, "", updater.Time, FieldSet.Empty);
            var before = owners.Find(bucket) ?? oldest;
            owners = owners.With(before with { Fields = FieldSet.Empty }).With(updater with { Fields = FieldSet.Empty }).With(bucket with { Fields = before.Fields.Union(updater.Fields) });
            surplus--;
        }

        return owners;
    }
}
