using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Model;

namespace Mpi.Planning.Tests;

/// <summary>
/// The API server, kubelet and Job controller of a planner's test, as far as a plan can tell: objects by kind and name, plans
/// applied write by write, and pods moved along by hand. The job is called <c>pi</c>.
/// </summary>
internal sealed class FakeWorld
{
    public static readonly ResourceKind MpiJob = KubeflowV2Beta1Dialect.MpiJob;

    private readonly Dictionary<(string Kind, string Name), JsonObject> _objects = [];
    private readonly HashSet<ObjectToConfirm> _confirmedAbsent = [];
    private readonly HashSet<ObjectToConfirm> _confirmedPresent = [];
    private int _uids;
    private int _versions = 1;

    public FakeWorld(JsonObject job, IDialect? dialect = null)
    {
        Dialect = dialect ?? new KubeflowV2Beta1Dialect();
        job = (JsonObject)job.DeepClone();
        Put(MpiJob, job);
    }

    public IDialect Dialect { get; }
    public DateTimeOffset Now { get; set; } = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    public PlanningOptions Options { get; set; } = new();
    public RefusedWrite? Refused { get; set; }

    /// <summary>A launcher pod that its Job has taken away, as it was when it failed.</summary>
    public PodView? LastLauncherFailure { get; set; }

    /// <summary>What the operator remembers of the launcher that it made last.</summary>
    public LauncherView? Launched { get; set; }

    /// <summary>Whether a Service gets its address when it is made.</summary>
    public bool GivesAddresses { get; set; } = true;

    /// <summary>The kinds of gang schedulers that are installed here.</summary>
    public ImmutableHashSet<ResourceKind> GangKinds { get; set; } = [];
    public ImmutableDictionary<string, int> Priorities { get; set; } = ImmutableDictionary<string, int>.Empty;

    public QueueSighting Queue { get; set; }

    /// <summary>Every write that was applied, in order: such as <c>create Pod pi-worker-0</c> or <c>status</c>.</summary>
    public List<string> Writes { get; } = [];
    public List<PlanEvent> Events { get; } = [];
    public List<PlanCounter> Counters { get; } = [];

    public JsonObject Job => Find(MpiJob, "pi")!;
    public JsonObject Spec => Job.Object("spec");
    public JsonObject Status => Job.Object("status");
    public JsonObject? WorkerSet => Find(Kinds.StatefulSet, "pi-worker");
    public JsonObject? Launcher => Find(Kinds.Job, "pi-launcher");
    public IEnumerable<JsonObject> Pods => _objects.Where(static o => o.Key.Kind == "Pod").Select(static o => o.Value);
    public IEnumerable<JsonObject> Workers => Pods.Where(static p => Text(p, "metadata", "name").StartsWith("pi-worker-", StringComparison.Ordinal));
    public IEnumerable<JsonObject> LauncherPods => Pods.Where(static p => Text(p, "metadata", "name").StartsWith("pi-launcher-", StringComparison.Ordinal));

    public JsonObject? Find(ResourceKind kind, string name) => _objects.GetValueOrDefault((kind.Kind, name));

    public JsonObject? Condition(string type) =>
        Status["conditions"]?.AsArray().OfType<JsonObject>().FirstOrDefault(c => Text(c, "type") == type);

    /// <summary>Puts an object in as somebody else would; it gets what the server gives.</summary>
    public JsonObject Put(ResourceKind kind, JsonObject tree)
    {
        var meta = tree.Object("metadata");
        meta["namespace"] ??= "default";
        meta["uid"] ??= $"uid-{++_uids}";
        meta["creationTimestamp"] ??= KubeTime.Format(Now);
        _objects[(kind.Kind, Text(tree, "metadata", "name"))] = tree;
        Touch(tree);
        return tree;
    }

    public void Remove(ResourceKind kind, string name) => _objects.Remove((kind.Kind, name));

    public ObservedRun Observe()
    {
        var job = KubeObject.From(Job);
        var pods = Pods.Select(static p => (View: PodView.Read(KubeObject.From(p).Root), Name: Text(p, "metadata", "name"))).ToList();
        return new ObservedRun
        {
            Job = job,
            Dialect = Dialect,
            Parsed = Dialect.Parse(job.Root),
            Service = View(Kinds.Service, Dialect.Profile(job.Meta).Service, static o => ServiceView.Read(o.Root)),
            ConfigMaps = View(Kinds.ConfigMap, "pi-config", static o => ConfigMapView.Read(o.Root)) is { } map ? ImmutableDictionary<string, ConfigMapView>.Empty.Add("pi-config", map) : [],
            Secret = Dialect.Profile(job.Meta).Secret(Transport(job)) is { } secret ? View(Kinds.Secret, secret, static o => SecretView.Read(o.Root)) : null,
            LauncherAccount = View(Kinds.ServiceAccount, Dialect.Profile(job.Meta).Access.Account, static o => ChildMeta.Read(o.Root)),
            LauncherRole = View(Kinds.Role, Dialect.Profile(job.Meta).Access.Role, static o => RoleView.Read(o.Root)),
            LauncherBinding = View(Kinds.RoleBinding, Dialect.Profile(job.Meta).Access.Binding, static o => ChildMeta.Read(o.Root)),
            AgentService = View(Kinds.Service, "pi-agent", static o => ServiceView.Read(o.Root)),
            Launcher = View(Kinds.Job, "pi-launcher", static o => LauncherView.Read(o.Root)),
            WorkerSet = View(Kinds.StatefulSet, "pi-worker", static o => StatefulSetView.Read(o.Root)),
            Workers = [.. pods.Where(static p => p.Name.StartsWith("pi-worker-", StringComparison.Ordinal)).Select(static p => p.View)],
            LauncherPods = [.. pods.Where(static p => p.Name.StartsWith("pi-launcher-", StringComparison.Ordinal)).Select(static p => p.View)],
            GangObjects = [.. GangKinds.Where(k => _objects.ContainsKey((k.Kind, "pi"))).Select(k => GangObjectView.Read(k, KubeObject.From(Find(k, "pi")!).Root))],
            GangKinds = GangKinds,
            Priorities = Priorities,
            Queue = Queue,
            ConfirmedAbsent = [.. _confirmedAbsent],
            ConfirmedPresent = [.. _confirmedPresent],
            Launched = Launched,
            LauncherFailure = LastLauncherFailure,
            Refused = Refused,
            Options = Options,
            Now = Now,
        };
    }

    /// <summary>One pass: plans, asks the server where the plan wants to be sure, and applies what comes of it.</summary>
    /// <param name="writes">Writes after which the operator crashes; null applies all.</param>
    public Plan Pass(int? writes = null)
    {
        var plan = Planner.Decide(Observe());
        if (!plan.Confirm.IsEmpty)
        {
            foreach (var doubt in plan.Confirm)
            {
                (Find(doubt.Kind, doubt.Key.Name) is null ? _confirmedAbsent : _confirmedPresent).Add(doubt);
            }

            plan = Planner.Decide(Observe());
            _confirmedAbsent.Clear();
            _confirmedPresent.Clear();
        }

        Apply(plan, writes);
        return plan;
    }

    /// <summary>Passes until there is nothing left to do; the outside world stands still.</summary>
    public void Settle(int most = 8)
    {
        for (var pass = 0; pass < most; pass++)
        {
            if (Pass().IsEmpty) return;
        }

        throw new InvalidOperationException($"not at rest after {most} passes; last writes: {string.Join(", ", Writes.TakeLast(8))}");
    }

    public void Apply(Plan plan, int? writes = null)
    {
        var left = writes ?? int.MaxValue;
        if (plan.StatusFirst && !Tell()) return;
        foreach (var action in plan.Actions)
        {
            if (left-- <= 0) return;
            Carry(action);
        }

        if (!plan.StatusFirst) Tell();

        bool Tell()
        {
            if (plan.Status is not null)
            {
                if (left-- <= 0) return false;
                Job["status"] = plan.Status.DeepClone();
                Touch(Job);
                Writes.Add("status");
            }

            Events.AddRange(plan.Events);
            Writes.AddRange(plan.Events.Select(static e => $"event {e.Reason}"));
            Counters.AddRange(plan.Counters);
            return true;
        }
    }

    private void Carry(PlanAction action)
    {
        switch (action)
        {
            case PlanAction.Create create:
                Create(create.Kind, create.Manifest);
                break;
            case PlanAction.CreateKeys create:
                var secret = (JsonObject)create.SecretWithoutData.DeepClone();
                secret["data"] = Keys(create.Keys, "bWFkZQ==");
                Create(Kinds.Secret, secret);
                break;
            case PlanAction.ReplaceKeys replace:
                var drifted = Find(Kinds.Secret, replace.Key.Name)!;
                Assert.Equal(replace.ResourceVersion, Text(drifted, "metadata", "resourceVersion"));
                drifted["data"] = Keys(replace.Keys, "bmV3");
                Touch(drifted);
                Writes.Add($"replace keys {replace.Key.Name}");
                break;
            case PlanAction.Patch patch:
                var before = Find(patch.Kind, patch.Key.Name)!;
                Assert.Equal(Text(before, "metadata", "resourceVersion"), Text(patch.MergePatch, "metadata", "resourceVersion"));
                var after = (JsonObject)MergePatch.Apply(before.DeepClone(), patch.MergePatch)!;
                _objects[(patch.Kind.Kind, patch.Key.Name)] = after;
                Touch(after);
                Writes.Add($"patch {patch.Kind.Kind} {patch.Key.Name}{(patch.Subresource is { } sub ? $"/{sub}" : "")}");
                if (patch.Kind == Kinds.Job && after["spec"]?["suspend"]?.GetValue<bool>() == true) KillLauncherPods();
                break;
            case PlanAction.Delete delete:
                if (Find(delete.Kind, delete.Key.Name) is { } doomed && Text(doomed, "metadata", "uid") == delete.Uid) Delete(delete.Kind, doomed);
                Writes.Add($"delete {delete.Kind.Kind} {delete.Key.Name}");
                break;
            case PlanAction.DeletePods delete:
                Assert.Contains(Text(Job, "metadata", "uid"), delete.LabelSelector, StringComparison.Ordinal);
                var selector = LabelSelector.Parse(delete.LabelSelector);
                foreach (var pod in Pods.ToList())
                {
                    var root = KubeObject.From(pod).Root;
                    var finished = root.Text("status", "phase") is "Failed" or "Succeeded";
                    if (selector.Matches(root.TextMap("metadata", "labels")) && !(finished && delete.FieldSelector.Length > 0)) Delete(Kinds.Pod, pod);
                }

                Writes.Add("delete pods");
                break;
        }
    }

    private static JsonObject Keys(KeyKind kind, string value) => kind == KeyKind.Ssh
        ? new JsonObject { ["ssh-privatekey"] = value, ["ssh-publickey"] = value }
        : new JsonObject { ["launcher.crt"] = value, ["launcher.key"] = value, ["worker.crt"] = value, ["worker.key"] = value };

    /// <summary>As the operator's builder asks which Secret it needs.</summary>
    private Transport Transport(KubeObject job) =>
        Dialect.Parse(job.Root) is ParseResult.Run run ? StandingTransport.Of(Dialect.Status.Read(job.Root.At("status")), run.Value).Transport.Kind : Mpi.Model.Transport.Ssh;

    private void Create(ResourceKind kind, JsonObject manifest)
    {
        var name = Text(manifest, "metadata", "name");
        Assert.False(_objects.ContainsKey((kind.Kind, name)), $"{kind.Kind} {name} is made although it exists");
        var tree = (JsonObject)manifest.DeepClone();
        Put(kind, tree);
        if (kind == Kinds.Service && tree["spec"]!["clusterIP"] is null && GivesAddresses) tree["spec"]!["clusterIP"] = "10.96.0.7";
        if (kind == Kinds.Pod) tree["status"] = new JsonObject { ["phase"] = "Pending" };
        Writes.Add($"create {kind.Kind} {name}");
    }

    private void Delete(ResourceKind kind, JsonObject tree)
    {
        if (tree["metadata"]!["deletionTimestamp"] is not null) return;
        var grace = kind == Kinds.Pod ? 30 : 0;
        tree["metadata"]!["deletionTimestamp"] = KubeTime.Format(Now.AddSeconds(grace));
        if (kind == Kinds.Pod) tree["metadata"]!["deletionGracePeriodSeconds"] = grace;
        Touch(tree);
        if (kind == Kinds.Job) KillLauncherPods();
    }

    private void KillLauncherPods()
    {
        foreach (var pod in LauncherPods.ToList()) Delete(Kinds.Pod, pod);
    }

    // ----- the world outside the operator -----

    /// <summary>Everything that is on its way out is gone: pods first, then the Jobs that waited for theirs.</summary>
    public void FinishDeletions()
    {
        foreach (var (key, _) in _objects.Where(static o => o.Value["metadata"]!["deletionTimestamp"] is not null).ToList()) _objects.Remove(key);
    }

    /// <summary>The StatefulSet controller makes, replaces and takes away workers, as it should be.</summary>
    public void StartWorkerSetPods()
    {
        if (WorkerSet is not { } set) return;
        var replicas = set["spec"]!["replicas"]!.GetValue<int>();
        foreach (var pod in Workers.ToList())
        {
            var name = Text(pod, "metadata", "name");
            if (int.Parse(name["pi-worker-".Length..]) >= replicas) Delete(Kinds.Pod, pod);
            else if (Text(pod, "status", "phase") is "Failed" or "Succeeded") Remove(Kinds.Pod, name);
        }

        for (var index = 0; index < replicas; index++)
        {
            if (Find(Kinds.Pod, $"pi-worker-{index}") is not null) continue;
            var template = (JsonObject)set["spec"]!["template"]!;
            var pod = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = template["metadata"]!.DeepClone(), ["spec"] = template["spec"]!.DeepClone(), ["status"] = new JsonObject { ["phase"] = "Pending" } };
            var meta = pod.Object("metadata");
            meta["name"] = $"pi-worker-{index}";
            meta["ownerReferences"] = new JsonArray(new JsonObject
            {
                ["apiVersion"] = "apps/v1", ["kind"] = "StatefulSet", ["name"] = "pi-worker", ["uid"] = Text(set, "metadata", "uid"), ["controller"] = true,
            });
            Put(Kinds.Pod, pod);
        }
    }

    /// <summary>The Job controller makes the launcher's pod, where there should be one.</summary>
    public void StartLauncherPod()
    {
        if (Launcher is not { } job || job["metadata"]!["deletionTimestamp"] is not null || job["spec"]?["suspend"]?.GetValue<bool>() == true || IsOver(job)) return;
        job.Object("status")["startTime"] ??= KubeTime.Format(Now);
        Touch(job);
        if (LauncherPods.Any(static p => Text(p, "status", "phase") is "Pending" or "Running")) return;
        var template = (JsonObject)job["spec"]!["template"]!;
        var pod = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = template["metadata"]!.DeepClone(), ["spec"] = template["spec"]!.DeepClone() };
        var meta = pod.Object("metadata");
        meta["name"] = $"pi-launcher-{++_uids}";
        meta["ownerReferences"] = new JsonArray(new JsonObject
        {
            ["apiVersion"] = "batch/v1", ["kind"] = "Job", ["name"] = "pi-launcher", ["uid"] = Text(job, "metadata", "uid"), ["controller"] = true,
        });
        Put(Kinds.Pod, pod);
        pod["status"] = new JsonObject { ["phase"] = "Pending" };
    }

    public void RunLauncher()
    {
        StartLauncherPod();
        foreach (var pod in LauncherPods.Where(static p => Text(p, "status", "phase") == "Pending")) Run(pod);
    }

    public void RunWorkers(int? count = null)
    {
        foreach (var pod in Workers.Where(static p => Text(p, "status", "phase") == "Pending").Take(count ?? int.MaxValue)) Run(pod);
    }

    public void Run(JsonObject pod, bool ready = true)
    {
        pod["status"] = new JsonObject
        {
            ["phase"] = "Running",
            ["startTime"] = KubeTime.Format(Now),
            ["conditions"] = new JsonArray(
                new JsonObject { ["type"] = "PodScheduled", ["status"] = "True", ["lastTransitionTime"] = KubeTime.Format(Now) },
                new JsonObject { ["type"] = "Ready", ["status"] = ready ? "True" : "False", ["lastTransitionTime"] = KubeTime.Format(Now) }),
            ["containerStatuses"] = new JsonArray(new JsonObject
            {
                ["name"] = Text((JsonObject)pod["spec"]!["containers"]![0]!, "name"),
                ["restartCount"] = 0,
                ["state"] = new JsonObject { ["running"] = new JsonObject { ["startedAt"] = KubeTime.Format(Now) } },
            }),
        };
        Touch(pod);
    }

    public void Worker(int index, Action<JsonObject> change)
    {
        var pod = Find(Kinds.Pod, $"pi-worker-{index}")!;
        change(pod);
        Touch(pod);
    }

    public static void Evict(JsonObject pod) => pod["status"] = new JsonObject { ["phase"] = "Failed", ["reason"] = "Evicted", ["message"] = "The node was low on resource: memory." };

    public void Exit(JsonObject pod, int exitCode, string reason = "Error", string message = "")
    {
        var status = pod.Object("status");
        var startedAt = status["containerStatuses"]?[0]?["state"]?["running"]?["startedAt"]?.ToString() ?? KubeTime.Format(Now);
        status["phase"] = exitCode == 0 ? "Succeeded" : "Failed";
        status["containerStatuses"] = new JsonArray(new JsonObject
        {
            ["name"] = Text((JsonObject)pod["spec"]!["containers"]![0]!, "name"),
            ["restartCount"] = 0,
            ["state"] = new JsonObject
            {
                ["terminated"] = new JsonObject { ["exitCode"] = exitCode, ["reason"] = exitCode == 0 ? "Completed" : reason, ["message"] = message, ["startedAt"] = startedAt, ["finishedAt"] = KubeTime.Format(Now) },
            },
        });
        Touch(pod);
    }

    /// <summary>Container 0 ends, and the kubelet starts it again in place.</summary>
    public void Restart(JsonObject pod, int exitCode, string reason = "Error", string message = "")
    {
        var restarts = pod["status"]!["containerStatuses"]![0]!["restartCount"]!.GetValue<int>() + 1;
        Exit(pod, exitCode, reason, message);
        var ended = pod["status"]!["containerStatuses"]![0]!["state"]!.DeepClone();
        Run(pod);
        var container = pod["status"]!["containerStatuses"]![0]!.AsObject();
        container["restartCount"] = restarts;
        container["lastState"] = ended;
        Touch(pod);
    }

    public void CompleteLauncher()
    {
        foreach (var pod in LauncherPods.Where(static p => Text(p, "status", "phase") == "Running")) Exit(pod, 0);
        SetJobCondition("Complete", "", "");
        Launcher!.Object("status")["completionTime"] = KubeTime.Format(Now);
    }

    public void FailLauncher(string reason = "BackoffLimitExceeded", string message = "Job has reached the specified backoff limit") => SetJobCondition("Failed", reason, message);

    public void FailLauncherPod(int exitCode, string message = "")
    {
        foreach (var pod in LauncherPods.Where(static p => Text(p, "status", "phase") is "Pending" or "Running").Take(1)) Exit(pod, exitCode, message: message);
        var status = Launcher!.Object("status");
        status["failed"] = (int)(status["failed"]?.GetValue<int>() ?? 0) + 1;
        Touch(Launcher!);
    }

    public void Edit(Action<JsonObject> change)
    {
        change(Spec);
        Job.Object("metadata")["generation"] = (Job["metadata"]!["generation"]?.GetValue<int>() ?? 1) + 1;
        Touch(Job);
    }

    /// <summary>The Job controller has seen that the launcher is suspended.</summary>
    public void NoteLauncherSuspended() => SetJobCondition("Suspended", "JobSuspended", "Job suspended");

    private void SetJobCondition(string type, string reason, string message)
    {
        Launcher!.Object("status").Array("conditions").Add((JsonNode)new JsonObject
        {
            ["type"] = type, ["status"] = "True", ["reason"] = reason, ["message"] = message, ["lastTransitionTime"] = KubeTime.Format(Now),
        });
        Touch(Launcher!);
    }

    private static bool IsOver(JsonObject job) => job["status"]?["conditions"] is JsonArray conditions && conditions.Any(static c => Text((JsonObject)c!, "type") is "Complete" or "Failed");

    private T? View<T>(ResourceKind kind, string name, Func<KubeObject, T> read) where T : class => Find(kind, name) is { } tree ? read(KubeObject.From(tree)) : null;

    private void Touch(JsonObject tree) => tree.Object("metadata")["resourceVersion"] = $"{++_versions}";

    public static string Text(JsonObject tree, params ReadOnlySpan<string> path)
    {
        JsonNode? node = tree;
        foreach (var step in path) node = (node as JsonObject)?[step];
        return node is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";
    }
}
