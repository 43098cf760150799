using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;
using Mpi.Model;
using Mpi.Planning;
using PodView = Mpi.Planning.PodView;

namespace Mpi.Operator;

/// <summary>
/// Puts together what a plan is decided from: the stores' view, the operator's memory, and answers of the server where
/// neither knows.
/// </summary>
internal sealed class ObservedRunBuilder(IWorldView world, Ownership ownership, PriorityClasses priorities, GangQueues queues, Rivals rivals, IDialect dialect, PlanningOptions options, TimeProvider time)
{
    public async Task<ObservedRun> BuildAsync(KubeObject job, JobMemory memory, CancellationToken cancellation)
    {
        var ns = job.Meta.Namespace;
        var profile = dialect.Profile(job.Meta);
        var parsed = memory.Parse(dialect, job);
        var recorded = dialect.Status.Read(job.Root.At("status"));
        await LookAgainAsync(job, memory, cancellation);
        if (parsed is ParseResult.Run { Value: var wanted }) await RecallAsync(job, recorded, profile, wanted, memory, cancellation);
        if (recorded.Attempt is { LauncherUid: not null } or { Clearing: true }) memory.Launched = null;

        var pods = world.Pods(job.Meta.Key);
        var launcher = world.Launcher(new ObjectKey(ns, profile.Launcher));
        if (Met(Kinds.Job, profile.Launcher, LauncherView.Read) is { } met && (launcher is null || ResourceVersions.AtLeast(met.Meta.ResourceVersion, launcher.Meta.ResourceVersion))) launcher = met;
        var set = world.WorkerSet(new ObjectKey(ns, profile.WorkerSet)) ?? Met(Kinds.StatefulSet, profile.WorkerSet, StatefulSetView.Read);
        ImmutableArray<GangObjectView> gang = [.. world.GangObjects(new ObjectKey(ns, profile.GangGroup)), .. MetGangObjects()];
        memory.ForgetDeletionsExcept(pods.Select(static p => p.Meta.Uid).Append(launcher?.Meta.Uid ?? "").Append(set?.Meta.Uid ?? "").Concat(gang.Select(static g => g.Meta.Uid)).ToHashSet(StringComparer.Ordinal));
        if (launcher is not null) launcher = launcher with { Meta = Deleting(launcher.Meta) };
        if (set is not null) set = set with { Meta = Deleting(set.Meta) };

        var workers = ImmutableArray.CreateBuilder<PodView>();
        var launcherPods = ImmutableArray.CreateBuilder<PodView>();
        foreach (var pod in pods.Concat(MetPods(pods)))
        {
            var view = pod with { Meta = Deleting(pod.Meta) };
            if (pod.Meta.OwnerUid == job.Meta.Uid || profile.WorkerIndex(pod.Meta.Name) is not null) workers.Add(view);
            else if (IsLaunchers(pod)) launcherPods.Add(view);
        }

        return new ObservedRun
        {
            Job = job,
            Dialect = dialect,
            Parsed = parsed,
            Service = world.Service(new ObjectKey(ns, profile.Service)) ?? Met(Kinds.Service, profile.Service, ServiceView.Read),
            AgentService = world.Service(new ObjectKey(ns, profile.Agent)) ?? Met(Kinds.Service, profile.Agent, ServiceView.Read),
            ConfigMaps = memory.ConfigMaps.Where(static m => m.Value.View is not null).ToImmutableDictionary(static m => m.Key, static m => m.Value.View!, StringComparer.Ordinal),
            Secret = memory.Secret?.View,
            LauncherAccount = memory.LauncherAccount?.View ?? Met(Kinds.ServiceAccount, profile.Access.Account, ChildMeta.Read),
            LauncherRole = memory.LauncherRole?.View ?? Met(Kinds.Role, profile.Access.Role, RoleView.Read),
            LauncherBinding = memory.LauncherBinding?.View ?? Met(Kinds.RoleBinding, profile.Access.Binding, ChildMeta.Read),
            Launcher = launcher,
            Launched = memory.Launched,
            WorkerSet = set,
            HasRival = dialect.Rival is { } rival && await rivals.AreThereAsync(rival, cancellation),
            GangObjects = [.. gang.Select(g => g with { Meta = Deleting(g.Meta) })],
            GangKinds = world.GangKinds,
            Priorities = parsed is ParseResult.Run run ? await priorities.ValuesAsync(GangSize.PrioritiesAsked(run.Value, options), cancellation) : [],
            Queue = await LookForQueueAsync(recorded, parsed, cancellation),
            Workers = workers.ToImmutable(),
            LauncherPods = launcherPods.ToImmutable(),
            LauncherFailure = launcher is null ? null : world.FailedPod(launcher.Meta.Uid),
            Refused = memory.Refused,
            Options = options,
            Now = time.GetUtcNow(),
        };

        T? Met<T>(ResourceKind kind, string name, Func<JsonElement, T> read) where T : class =>
            memory.Met.TryGetValue(new ObjectToConfirm(kind, new ObjectKey(ns, name)), out var found) ? read(found.Root) : null;

        IEnumerable<PodView> MetPods(IReadOnlyList<PodView> shown) => memory.Met
            .Where(m => m.Key.Kind == Kinds.Pod && !shown.Any(p => p.Meta.Name == m.Key.Key.Name))
            .Select(static m => PodView.Read(m.Value.Root));

        IEnumerable<GangObjectView> MetGangObjects() => memory.Met
            .Where(m => GangBackend.AllKinds.Contains(m.Key.Kind) && !world.GangObjects(new ObjectKey(ns, profile.GangGroup)).Any(g => g.Kind == m.Key.Kind))
            .Select(static m => GangObjectView.Read(m.Key.Kind, m.Value.Root));

        // A pod of a launcher Job: the present one, or one that was replaced and whose pods are on their way out.
        bool IsLaunchers(PodView pod) => pod.JobUidLabel == job.Meta.Uid || (launcher is not null && pod.Meta.OwnerUid == launcher.Meta.Uid);

        ChildMeta Deleting(ChildMeta meta) =>
            meta.DeletionTimestamp is null && memory.DeletionAskedAt(meta.Uid) is { } asked ? meta with { DeletionTimestamp = asked } : meta;
    }

    /// <summary>A job that runs has its place, and one that is suspended or over wants none.</summary>
    private async Task<QueueSighting> LookForQueueAsync(RecordedRun recorded, ParseResult parsed, CancellationToken cancellation) =>
        parsed is ParseResult.Run { Value: var run } && GangBackend.QueueOf(run, options, world.GangKinds) is { } queue
        && !run.Suspended && recorded is { Running: not true, Outcome: null }
            ? await queues.LookAsync(queue, cancellation)
            : QueueSighting.There;

    /// <summary>
    /// What was met at the server and no store shows as it is (somebody else's object, a view that lags) is looked at again in
    /// each pass: no watch tells when it changes. A name that is taken so costs reads while it is, and no writes.
    /// </summary>
    private async Task LookAgainAsync(KubeObject job, JobMemory memory, CancellationToken cancellation)
    {
        foreach (var strange in memory.ConfigMaps.Where(static m => m.Value is { View.Meta.Uid: "" }).Select(static m => m.Key).ToList()) memory.ConfigMaps[strange] = await LookAtConfigMapAsync(job, strange, cancellation);
        if (memory.Secret is { View.Meta.Uid: "" }) memory.Secret = await LookAtSecretAsync(job, memory.Secret.View.Meta.Name, cancellation);
        foreach (var (what, found) in memory.Met.ToList())
        {
            if (Shown(job, what) is { } shown && shown.Uid == found.Meta.Uid && ResourceVersions.AtLeast(shown.ResourceVersion, found.Meta.ResourceVersion))
            {
                memory.ForgetMet(what);
                continue;
            }

            switch (await ownership.LookAsync(what.Kind, what.Key, job.Meta.Uid, cancellation))
            {
                case Ownership.Finding.Ours ours:
                    memory.Meet(what, ours.Object);
                    break;
                case Ownership.Finding.Foreign { Object: { } theirs }:
                    memory.Meet(what, theirs);
                    break;
                default:
                    memory.ForgetMet(what);
                    break;
            }
        }
    }

    private ChildMeta? Shown(KubeObject job, ObjectToConfirm what) =>
        what.Kind == Kinds.Job ? world.Launcher(what.Key)?.Meta
        : what.Kind == Kinds.StatefulSet ? world.WorkerSet(what.Key)?.Meta
        : what.Kind == Kinds.Service ? world.Service(what.Key)?.Meta
        : what.Kind == Kinds.Pod ? world.Pods(job.Meta.Key).FirstOrDefault(p => p.Meta.Name == what.Key.Name)?.Meta
        : null;

    /// <summary>
    /// ConfigMap and Secret are not watched, because the right to watch them is the right to read those of the whole cluster.
    /// What the operator wrote it remembers; after a restart it asks, once a job. A job that was never announced has none
    /// yet, and a creation that finds one there says so; one that has ended needs none.
    /// </summary>
    private async Task RecallAsync(KubeObject job, RecordedRun recorded, RunProfile profile, MpiRun run, JobMemory memory, CancellationToken cancellation)
    {
        var transport = StandingTransport.Of(recorded, run).Transport.Kind;
        var secret = profile.Secret(transport);
        // Another transport was chosen while the job was suspended: that one has keys of its own.
        if (memory.Secret is { View.Meta.Name: var known } && known != secret) memory.Secret = null;
        if (!recorded.Announced || recorded.Outcome is not null) return;
        foreach (var name in profile.ConfigMaps.Where(name => !memory.ConfigMaps.ContainsKey(name))) memory.ConfigMaps[name] = await LookAtConfigMapAsync(job, name, cancellation);
        if (secret is not null) memory.Secret ??= await LookAtSecretAsync(job, secret, cancellation);
        if (!profile.UsesAccess(transport)) return;
        memory.LauncherAccount ??= await LookAtOwnAsync(job, Kinds.ServiceAccount, profile.Access.Account, ChildMeta.Read, memory, cancellation);
        memory.LauncherRole ??= await LookAtOwnAsync(job, Kinds.Role, profile.Access.Role, RoleView.Read, memory, cancellation);
        memory.LauncherBinding ??= await LookAtOwnAsync(job, Kinds.RoleBinding, profile.Access.Binding, ChildMeta.Read, memory, cancellation);
    }

    /// <summary>Somebody else's is met, and looked at again in each pass.</summary>
    private async Task<Known<T>> LookAtOwnAsync<T>(KubeObject job, ResourceKind kind, string name, Func<JsonElement, T> read, JobMemory memory, CancellationToken cancellation) where T : class
    {
        var key = new ObjectKey(job.Meta.Namespace, name);
        var finding = await ownership.LookAsync(kind, key, job.Meta.Uid, cancellation);
        if (finding is Ownership.Finding.Foreign { Object: { } theirs }) memory.Meet(new ObjectToConfirm(kind, key), theirs);
        return new Known<T>(finding is Ownership.Finding.Ours ours ? read(ours.Object.Root) : null);
    }

    private async Task<Known<ConfigMapView>> LookAtConfigMapAsync(KubeObject job, string name, CancellationToken cancellation) =>
        Know(await ownership.LookAsync(Kinds.ConfigMap, new ObjectKey(job.Meta.Namespace, name), job.Meta.Uid, cancellation), ConfigMapView.Read, () => JobMemory.StrangeConfigMap(name));

    private async Task<Known<SecretView>> LookAtSecretAsync(KubeObject job, string name, CancellationToken cancellation) =>
        Know(await ownership.LookAsync(Kinds.Secret, new ObjectKey(job.Meta.Namespace, name), job.Meta.Uid, cancellation), SecretView.Read, () => JobMemory.StrangeSecret(name));

    private static Known<T> Know<T>(Ownership.Finding finding, Func<JsonElement, T> read, Func<T> strange) where T : class => finding switch
    {
        Ownership.Finding.Ours ours => new Known<T>(read(ours.Object.Root)),
        Ownership.Finding.Foreign => new Known<T>(strange()),
        _ => new Known<T>(null),
    };
}
