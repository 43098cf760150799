using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// Keeps the <c>status.used</c> of ResourceQuotas true at every moment: what a write takes is booked before the write and
/// taken back when it does not come to be. A real cluster books at admission and lets a controller correct the rest later;
/// here both are one, so that a client that has seen an object go can create the next one at once.
/// </summary>
/// <remarks>Writes in namespaces without quotas take no lock. A quota that appears beside such a write counts it afterwards.</remarks>
internal sealed class QuotaLedger(ServerState server)
{
    private readonly Lock _gate = new();
    private Collection? _quotas;

    private Collection Quotas => _quotas ??= server.Objects(Kinds.ResourceQuota);

    /// <summary>Refuses what a dry run would take too much of.</summary>
    public void Check(WriteContext context, JsonObject? old, JsonObject? obj)
    {
        if (!HasAny(context.Call.Namespace)) return;
        lock (_gate) Plan(context, old, obj);
    }

    /// <summary>Commits a write with its bookings.</summary>
    /// <param name="commit">Null when another writer was faster; then nothing is booked.</param>
    /// <exception cref="ApiException">403: a quota would be exceeded.</exception>
    public StoredObject? Commit(WriteContext context, JsonObject? old, JsonObject? obj, Func<StoredObject?> commit)
    {
        var ns = context.Call.Namespace;
        if (!context.Kind.Namespaced || !HasAny(ns))
        {
            var done = commit();
            if (done is not null && context.Kind.Namespaced && context.Kind != Kinds.ResourceQuota && HasAny(ns)) RecountAll(ns!);
            return done;
        }

        lock (_gate)
        {
            var bookings = Plan(context, old, obj);
            foreach (var (key, change) in bookings) Book(key, change, back: false);
            var done = commit();
            if (done is null)
            {
                foreach (var (key, change) in bookings) Book(key, change, back: true);
            }

            return done;
        }
    }

    /// <summary>Counts anew what a quota is about.</summary>
    public void Recount(ObjectKey key)
    {
        lock (_gate)
        {
            while (Quotas.Find(key) is { } stored)
            {
                var quota = new Quota(stored);
                var status = new JsonObject { ["hard"] = quota.Tree.At("spec", "hard")?.DeepClone() ?? new JsonObject(), ["used"] = Count(quota).ToTree() };
                if (quota.Tree["status"].SameAs(status)) return;
                quota.Tree["status"] = status;
                if (TryWrite(quota)) return;
            }
        }
    }

    private void RecountAll(string ns)
    {
        foreach (var quota in server.Store.Read(Quotas).Range(ns, null)) Recount(quota.Key);
    }

    private bool HasAny(string? ns) => ns is not null && !Quotas.Objects.IsEmpty && server.Store.Read(Quotas).Range(ns, null).Any();

    /// <summary>What each quota is to be charged.</summary>
    private List<(ObjectKey Quota, Amounts Change)> Plan(WriteContext context, JsonObject? old, JsonObject? obj)
    {
        var kind = context.Kind;
        var bookings = new List<(ObjectKey, Amounts)>();
        var (before, after) = (QuotaUsage.Of(kind, old), QuotaUsage.Of(kind, obj));
        foreach (var stored in server.Store.Read(Quotas).Range(context.Call.Namespace, null))
        {
            var quota = new Quota(stored);
            var change = obj is not null && quota.Covers(kind, obj) ? after.Only(quota.Hard.Keys) : [];
            if (obj is not null && old is null && quota.Covers(kind, obj)) RequireComplete(quota, kind, obj);
            if (old is not null && quota.Covers(kind, old)) change.Subtract(before.Only(quota.Hard.Keys));
            foreach (var (name, amount) in change.ToList())
            {
                if (amount.IsZero) change.Remove(name);
            }

            if (change.Count == 0) continue;
            if (IsEnforced(kind, old)) RequireRoom(quota, change, kind, obj);
            bookings.Add((stored.Key, change));
        }

        return bookings;
    }

    /// <summary>Updates are refused where they can take more: of Services and claims. A pod's updates are only counted.</summary>
    private static bool IsEnforced(ResourceKind kind, JsonObject? old) => old is null || kind == Kinds.Service || kind == Kinds.PersistentVolumeClaim;

    private static void RequireComplete(Quota quota, ResourceKind kind, JsonObject obj)
    {
        if (quota.MissingFrom(kind, obj) is { } missing) throw Failures.Forbidden(kind, obj.Text("metadata", "name") ?? "", $"failed quota: {quota.Name}: {missing}");
    }

    private static void RequireRoom(Quota quota, Amounts change, ResourceKind kind, JsonObject? obj)
    {
        var over = change.Where(c => c.Value.Sign > 0 && quota.Used.Of(c.Key) + c.Value > quota.Hard.Of(c.Key)).Select(static c => c.Key).ToList();
        if (over.Count == 0) return;
        throw Failures.Forbidden(kind, obj.Text("metadata", "name") ?? "",
            $"exceeded quota: {quota.Name}, requested: {change.Only(over)}, used: {quota.Used.Only(over)}, limited: {quota.Hard.Only(over)}");
    }

    private void Book(ObjectKey key, Amounts change, bool back)
    {
        while (Quotas.Find(key) is { } stored)
        {
            var quota = new Quota(stored);
            if (back) quota.Used.Subtract(change);
            else quota.Used.Add(change);
            quota.Tree.Object("status")["used"] = quota.Used.ToTree();
            if (TryWrite(quota)) return;
        }
    }

    private bool TryWrite(Quota quota)
    {
        var strategy = server.Registry.Find("", "v1", Kinds.ResourceQuota.Plural)!.Strategy;
        return server.Store.TryCommit(Quotas, quota.Stored.Key, quota.Stored, Drafting.From(quota.Tree, quota.Stored.Bytes.Owners, strategy)) is not null;
    }

    private Amounts Count(Quota quota)
    {
        var total = new Amounts();
        foreach (var name in quota.Hard.Keys) total[name] = default;
        foreach (var (group, plural) in quota.Hard.Keys.Select(static n => QuotaUsage.Counted(n)).OfType<(string, string)>().Distinct())
        {
            if (server.Registry.All.FirstOrDefault(r => r.Kind.Group == group && r.Kind.Plural == plural) is not { } resource) continue;
            foreach (var stored in server.Store.Read(resource.Objects).Range(quota.Stored.Key.Namespace, null))
            {
                var obj = stored.Bytes.ReadTree();
                if (quota.Covers(resource.Kind, obj)) total.Add(QuotaUsage.Of(resource.Kind, obj).Only(quota.Hard.Keys));
            }
        }

        return total;
    }
}
