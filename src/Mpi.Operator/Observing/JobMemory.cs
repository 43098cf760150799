using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;
using Mpi.Model;
using Mpi.Planning;
using PodView = Mpi.Planning.PodView;

namespace Mpi.Operator;

/// <summary>
/// What the operator remembers of one job object between two passes: answers of the API that no watch will repeat, or not
/// yet. All of it may be forgotten at any time (a restart does): names are deterministic and every write has a precondition,
/// so that forgetting costs a request and never a wrong write. One pass at a time uses it.
/// </summary>
internal sealed class JobMemory(string uid)
{
    private readonly Dictionary<ResourceKind, string> _awaited = [];
    private readonly Dictionary<string, DateTimeOffset> _deleted = [];
    private readonly Dictionary<ObjectToConfirm, KubeObject> _met = [];
    private DateTimeOffset _awaitedUntil;
    private int _overdue;
    private (long Generation, ImmutableDictionary<string, string> Annotations, ParseResult Result)? _parsed;

    /// <summary>How long a pass waits for the stores to show what the last one wrote.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>How often it waits once more, after the store was read anew.</summary>
    private const int OverdueLimit = 3;

    public string Uid { get; } = uid;

    /// <summary>By name; what is missing is unknown: ConfigMaps are not watched (<see cref="Ownership"/>).</summary>
    public Dictionary<string, Known<ConfigMapView>> ConfigMaps { get; } = new(StringComparer.Ordinal);

    /// <summary>Null while it is unknown: Secrets are not watched either.</summary>
    public Known<SecretView>? Secret { get; set; }

    /// <summary>Null while it is unknown: what the launcher runs as is rare, small and not watched.</summary>
    public Known<ChildMeta>? LauncherAccount { get; set; }

    /// <inheritdoc cref="LauncherAccount"/>
    public Known<RoleView>? LauncherRole { get; set; }

    /// <inheritdoc cref="LauncherAccount"/>
    public Known<ChildMeta>? LauncherBinding { get; set; }

    /// <summary>The launcher Job that was made last, until a status that records it was seen.</summary>
    public LauncherView? Launched { get; set; }

    /// <summary>What the API refused in the last plan; null when that went through.</summary>
    public RefusedWrite? Refused { get; private set; }

    /// <summary>Objects that were met at the server and that the stores do not show, or not as they were: somebody else's, or ours in a view that lags.</summary>
    public IReadOnlyDictionary<ObjectToConfirm, KubeObject> Met => _met;

    /// <summary>How often in a row a plan ended on a view that was out of date.</summary>
    public int StaleInARow { get; private set; }

    /// <summary>The manifest's meaning, read once a generation. Annotations choose too and do not count as a generation.</summary>
    public ParseResult Parse(IDialect dialect, KubeObject job)
    {
        if (_parsed is { } known && known.Generation == job.Meta.Generation && Same(known.Annotations, job.Meta.Annotations)) return known.Result;
        var result = dialect.Parse(job.Root);
        _parsed = (job.Meta.Generation, job.Meta.Annotations, result);
        return result;
    }

    /// <summary>
    /// Whether the stores show every write that landed here before. A plan made on an older view is safe and wasteful, so
    /// it is put off. When the patience is over something is wrong with a watch, which is then read anew; and when even
    /// that does not help, the plan is made on what there is.
    /// </summary>
    public Freshness Check(Func<ResourceKind, string?> seenUpTo, DateTimeOffset now)
    {
        foreach (var (kind, version) in _awaited.ToList())
        {
            if (ResourceVersions.AtLeast(seenUpTo(kind), version)) _awaited.Remove(kind);
        }

        if (_awaited.Count == 0) return Freshness.Fresh;
        if (now < _awaitedUntil) return new Freshness.Behind(_awaitedUntil, []);
        if (++_overdue > OverdueLimit)
        {
            _awaited.Clear();
            return Freshness.Fresh;
        }

        _awaitedUntil = now + Patience;
        return new Freshness.Behind(_awaitedUntil, [.. _awaited.Keys]);
    }

    /// <summary>When the deletion of an object was asked for, though the stores may not show it yet.</summary>
    public DateTimeOffset? DeletionAskedAt(string uid) => _deleted.TryGetValue(uid, out var at) ? at : null;

    /// <summary>How often in a row a plan ended on something found out: a name taken, a creation refused.</summary>
    public int FindingsInARow { get; private set; }

    public void Meet(ObjectToConfirm what, KubeObject found) => _met[what] = found;

    public void ForgetMet(ObjectToConfirm what) => _met.Remove(what);

    /// <summary>Forgets deletions of objects that are gone.</summary>
    public void ForgetDeletionsExcept(IReadOnlySet<string> presentUids)
    {
        foreach (var gone in _deleted.Keys.Where(u => !presentUids.Contains(u)).ToList()) _deleted.Remove(gone);
    }

    /// <param name="watched">Whether a store shows this kind.</param>
    /// <param name="pods">The pods that were observed, to tell which of them a deletion of many meant.</param>
    public void Absorb(ApplyOutcome outcome, Func<ResourceKind, bool> watched, IEnumerable<PodView> pods, DateTimeOffset now)
    {
        foreach (var write in outcome.Landed)
        {
            if (write.DeletedUid is { } deleted) _deleted[deleted] = now;
            if (write.DeletedPods is { } which)
            {
                foreach (var pod in pods.Where(which)) _deleted[pod.Meta.Uid] = now;
            }

            if (write.Result is not { } result) continue;
            if (write.Kind == Kinds.Job) Launched = LauncherView.Read(result.Root);
            if (write.Kind == Kinds.ConfigMap) ConfigMaps[write.Key.Name] = new Known<ConfigMapView>(ConfigMapView.Read(result.Root));
            else if (write.Kind == Kinds.Secret) Secret = new Known<SecretView>(SecretView.Read(result.Root));
            else if (write.Kind == Kinds.ServiceAccount) LauncherAccount = new Known<ChildMeta>(ChildMeta.Read(result.Root));
            else if (write.Kind == Kinds.Role) LauncherRole = new Known<RoleView>(RoleView.Read(result.Root));
            else if (write.Kind == Kinds.RoleBinding) LauncherBinding = new Known<ChildMeta>(ChildMeta.Read(result.Root));
            else if (watched(write.Kind))
            {
                if (!_awaited.TryGetValue(write.Kind, out var newest) || !ResourceVersions.AtLeast(newest, result.Meta.ResourceVersion)) _awaited[write.Kind] = result.Meta.ResourceVersion;
                _awaitedUntil = now + Patience;
                _overdue = 0;
            }
        }

        foreach (var foreign in outcome.Foreign)
        {
            if (foreign.Kind == Kinds.ConfigMap) ConfigMaps[foreign.Key.Name] = new Known<ConfigMapView>(StrangeConfigMap(foreign.Key.Name));
            else if (foreign.Kind == Kinds.Secret) Secret = new Known<SecretView>(StrangeSecret(foreign.Key.Name));
            else if (foreign.Object is { } found) Meet(new ObjectToConfirm(foreign.Kind, foreign.Key), found);
        }

        Refused = outcome.Refused.IsEmpty ? null : outcome.Refused[0].ToRefusedWrite();
        if (outcome.Trouble is ApiException { Responsibility: Responsibility.Replan })
        {
            StaleInARow++;
            // A patch that conflicted: nobody else tells what stands there now.
            ConfigMaps.Clear();
            Secret = null;
            LauncherRole = null;
        }
        else if (outcome.Trouble is null)
        {
            StaleInARow = 0;
        }

        if (outcome.Complete) FindingsInARow = 0;
        else if (outcome.Trouble is null) FindingsInARow++;
    }

    /// <summary>An object of which only the name is known, and that it is not ours.</summary>
    private static ChildMeta Stranger(string name) => new(name, "", "", "", "", null, null);

    public static ConfigMapView StrangeConfigMap(string name) => new(Stranger(name), [], "");

    public static SecretView StrangeSecret(string name) => new(Stranger(name), []);

    private static bool Same(ImmutableDictionary<string, string> a, ImmutableDictionary<string, string> b) =>
        ReferenceEquals(a, b) || (a.Count == b.Count && a.All(entry => b.TryGetValue(entry.Key, out var value) && value == entry.Value));
}

/// <summary>Whether the stores show what was written last.</summary>
internal abstract record Freshness
{
    private Freshness() { }

    public static readonly Freshness Fresh = new Shown();

    public sealed record Shown : Freshness;

    /// <param name="Until">When to look again, if no event comes before.</param>
    /// <param name="Overdue">Kinds whose watch should have shown it long ago.</param>
    public sealed record Behind(DateTimeOffset Until, ImmutableArray<ResourceKind> Overdue) : Freshness;
}

/// <summary>A fact about an object that may be absent: <paramref name="View"/> is null when it is known that there is none.</summary>
internal sealed record Known<T>(T? View) where T : class;
