using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;
using Microsoft.Extensions.Logging.Abstractions;
using Mpi.Planning;
using PodView = Mpi.Planning.PodView;

namespace Mpi.Operator.Tests;

public sealed class PlanApplierTests : IDisposable
{
    private static readonly ResourceKind Thing = new("example.com", "v1", "Thing", "things");

    private readonly ScriptedKube _kube = new();
    private readonly OperatorMetrics _metrics = new(static () => true);
    private readonly PlanApplier _applier;
    private readonly KubeObject _job;

    public PlanApplierTests()
    {
        var time = new VirtualClock();
        _applier = new PlanApplier(
            _kube, new CountedKeys(), new EventRecorder(_kube, time, new Random(1), NullLogger.Instance), _metrics, Thing, 16, NullLogger.Instance);
        _job = _kube.Put(Thing, A.Object(Thing, "pi").With("status", """{"old":1,"kept":{"a":1}}"""));
        _kube.Forget();
    }

    public void Dispose() => _metrics.Dispose();

    private sealed class CountedKeys : IKeySource
    {
        private int _made;

        public ImmutableArray<KeyValuePair<string, byte[]>> Create(KeyKind kind) =>
            [new("ssh-privatekey", Encoding.ASCII.GetBytes($"private-{++_made}")), new("ssh-publickey", Encoding.ASCII.GetBytes($"public-{_made}"))];
    }

    private Task<ApplyOutcome> Apply(Plan plan) => _applier.ApplyAsync(_job, plan, CancellationToken.None);

    private PlanAction Create(ObjectBuilder what) => new PlanAction.Create(what.Kind, what.OwnedBy(_job, controller: true).Tree);

    private static JsonObject Status(string json) => (JsonObject)JsonNode.Parse(json)!;

    [Fact]
    public async Task Actions_come_first_then_the_status_then_events_and_counters()
    {
        var outcome = await Apply(new Plan
        {
            Actions = [Create(A.Service("pi")), Create(A.Pod("pi-worker-0"))],
            Status = Status("""{"new":1}"""),
            Events = [PlanEvent.Normal("Created", "it is there")],
            Counters = [PlanCounter.JobsCreated],
        });
        Assert.True(outcome.Complete);
        Assert.Equal(["create services default/pi", "create pods default/pi-worker-0", "patch things/status default/pi"], _kube.Writes.Take(3));
        Assert.StartsWith("create events", _kube.Writes.Last());
        Assert.Equal(1, _metrics.Value(PlanCounter.JobsCreated));
    }

    [Fact]
    public async Task An_announcement_lands_before_what_it_announces()
    {
        await Apply(new Plan { Actions = [Create(A.Job("pi-launcher"))], Status = Status("""{"attempt":1}"""), StatusFirst = true });
        Assert.Equal(["patch things/status default/pi", "create jobs default/pi-launcher"], _kube.Writes);
    }

    [Fact]
    public async Task Nothing_is_done_for_an_attempt_whose_announcement_failed()
    {
        _kube.Before = static c => c.Subresource == "status" ? ScriptedKube.Failure(409, ApiReason.Conflict, "modified") : null;
        var outcome = await Apply(new Plan
        {
            Actions = [Create(A.Job("pi-launcher"))],
            Status = Status("""{"attempt":1}"""),
            StatusFirst = true,
            Events = [PlanEvent.Normal("Started", "")],
            Counters = [PlanCounter.JobsCreated],
        });
        Assert.IsType<ApiException>(outcome.Trouble);
        Assert.Null(_kube.Find(Kinds.Job, "default", "pi-launcher"));
        Assert.Empty(_kube.All(Kinds.Event));
        Assert.Equal(0, _metrics.Value(PlanCounter.JobsCreated));
    }

    [Fact]
    public async Task The_status_is_replaced_as_a_whole_on_the_version_it_was_decided_on()
    {
        await Apply(new Plan { Status = Status("""{"kept":{"b":2}}""") });
        var call = Assert.Single(_kube.Calls);
        Assert.Equal(_job.Meta.ResourceVersion, call.Body!["metadata"]!["resourceVersion"]!.GetValue<string>());
        Assert.True(JsonNode.DeepEquals(Status("""{"kept":{"b":2}}"""), _kube.Find(Thing, "default", "pi")!.ToTree()["status"]));
    }

    [Fact]
    public async Task A_status_that_conflicts_is_neither_spoken_of_nor_counted()
    {
        _kube.Put(Thing, _job);
        var outcome = await Apply(new Plan { Status = Status("{}"), Events = [PlanEvent.Normal("R", "m")], Counters = [PlanCounter.JobsFailed] });
        Assert.True(Assert.IsType<ApiException>(outcome.Trouble).IsConflict);
        Assert.Empty(_kube.All(Kinds.Event));
        Assert.Equal(0, _metrics.Value(PlanCounter.JobsFailed));
    }

    [Fact]
    public async Task An_object_of_ours_that_is_there_already_counts_as_created()
    {
        foreach (var builder in (ObjectBuilder[])[A.Pod("pi-worker-0"), A.ConfigMap("pi-config")])
        {
            var mine = _kube.Put(builder.Kind, builder.OwnedBy(_job, controller: true));
            var outcome = await Apply(new Plan { Actions = [new PlanAction.Create(builder.Kind, builder.Tree)] });
            Assert.True(outcome.Complete);
            Assert.Equal(mine.Meta.Uid, Assert.Single(outcome.Landed).Result!.Meta.Uid);
            Assert.Equal(mine.Meta.ResourceVersion, _kube.Find(builder.Kind, "default", mine.Meta.Name)!.Meta.ResourceVersion);
        }
    }

    [Fact]
    public async Task A_name_that_is_taken_by_another_is_reported_and_left_alone()
    {
        foreach (var builder in (ObjectBuilder[])[A.Pod("pi-worker-0"), A.ConfigMap("pi-config"), A.Object(Kinds.Secret, "pi-ssh")])
        {
            var theirs = _kube.Put(builder.Kind, builder.Build());
            var outcome = await Apply(new Plan { Actions = [Create(builder)], Status = Status("{}"), Events = [PlanEvent.Normal("R", "m")] });
            var foreign = Assert.Single(outcome.Foreign);
            Assert.Equal((builder.Kind, theirs.Meta.Key), (foreign.Kind, foreign.Key));
            Assert.Equal(builder.Kind == Kinds.Pod, foreign.Object is not null);
            Assert.Equal(theirs.Meta.ResourceVersion, _kube.Find(builder.Kind, "default", theirs.Meta.Name)!.Meta.ResourceVersion);
            Assert.Empty(_kube.All(Kinds.Event));
        }
    }

    [Fact]
    public async Task The_child_of_an_earlier_job_of_the_same_name_is_foreign()
    {
        var earlier = A.Object(Thing, "pi").Uid("long-gone").Build();
        _kube.Put(Kinds.Secret, A.Object(Kinds.Secret, "pi-ssh").OwnedBy(earlier, controller: true));
        var outcome = await Apply(new Plan { Actions = [Create(A.Object(Kinds.Secret, "pi-ssh"))] });
        Assert.Single(outcome.Foreign);
    }

    [Fact]
    public async Task A_child_of_ours_that_is_on_its_way_out_is_waited_for()
    {
        _kube.Put(Kinds.Pod, A.Pod("pi-worker-0").OwnedBy(_job, controller: true).With("metadata.deletionTimestamp", "\"2026-01-01T00:00:00Z\""));
        var outcome = await Apply(new Plan { Actions = [Create(A.Pod("pi-worker-0"))] });
        Assert.True(Assert.IsType<ApiException>(outcome.Trouble).IsAlreadyExists);
        Assert.Empty(outcome.Landed);
    }

    [Fact]
    public async Task A_creation_that_a_quota_forbids_is_a_refusal_and_stops_the_rest()
    {
        _kube.Before = static c => c.Kind == Kinds.Pod ? ScriptedKube.Failure(403, ApiReason.Forbidden, "exceeded quota") : null;
        var outcome = await Apply(new Plan { Actions = [.. Enumerable.Range(0, 100).Select(i => Create(A.Pod($"pi-worker-{i}")))], Status = Status("{}") });
        Assert.Equal("exceeded quota", Assert.Single(outcome.Refused).Status.Message);
        Assert.Single(_kube.Writes);
    }

    [Fact]
    public async Task A_busy_server_stops_the_plan_with_what_landed_so_far()
    {
        var pods = 0;
        _kube.Before = c => c.Kind == Kinds.Pod && ++pods == 3 ? ScriptedKube.Failure(429, ApiReason.TooManyRequests, "slow down") : null;
        var outcome = await Apply(new Plan { Actions = [.. Enumerable.Range(0, 100).Select(i => Create(A.Pod($"pi-worker-{i}")))] });
        Assert.Equal(Responsibility.Wait, Assert.IsType<ApiException>(outcome.Trouble).Responsibility);
        Assert.Equal(2, outcome.Landed.Length);
    }

    [Fact]
    public async Task Keys_are_made_for_the_secret_and_replaced_as_a_whole()
    {
        var secret = A.Object(Kinds.Secret, "pi-ssh").OwnedBy(_job, controller: true).With("type", "\"kubernetes.io/ssh-auth\"");
        await Apply(new Plan { Actions = [new PlanAction.CreateKeys(KeyKind.Ssh, secret.Tree)] });
        var made = _kube.Find(Kinds.Secret, "default", "pi-ssh")!;
        Assert.Equal("private-1", Decode(made, "ssh-privatekey"));
        Assert.Equal("public-1", Decode(made, "ssh-publickey"));
        Assert.False(secret.Tree.ContainsKey("data"));

        var tree = made.ToTree();
        tree.Object("data")["extra"] = "eA==";
        var drifted = _kube.Put(Kinds.Secret, KubeObject.From(tree));
        var outcome = await Apply(new Plan { Actions = [new PlanAction.ReplaceKeys(KeyKind.Ssh, drifted.Meta.Key, drifted.Meta.ResourceVersion)] });
        Assert.True(outcome.Complete);
        var mended = _kube.Find(Kinds.Secret, "default", "pi-ssh")!;
        Assert.Equal("private-2", Decode(mended, "ssh-privatekey"));
        Assert.Equal(2, mended.Root.Members("data").Count());

        outcome = await Apply(new Plan { Actions = [new PlanAction.ReplaceKeys(KeyKind.Ssh, drifted.Meta.Key, drifted.Meta.ResourceVersion)] });
        Assert.NotNull(outcome.Trouble);

        static string Decode(KubeObject secret, string key) => Encoding.ASCII.GetString(Convert.FromBase64String(secret.Root.Text("data", key)!));
    }

    [Fact]
    public async Task A_deletion_names_the_incarnation_and_one_that_is_gone_is_no_trouble()
    {
        var pod = _kube.Put(Kinds.Pod, A.Pod("pi-worker-0"));
        var again = new PlanAction.Delete(Kinds.Pod, pod.Meta.Key, pod.Meta.Uid, "test");
        var other = new PlanAction.Delete(Kinds.Pod, pod.Meta.Key, "another", "test");
        // A conflict is no proof that it is gone: the next plan looks again.
        var conflict = await Apply(new Plan { Actions = [other] });
        Assert.False(conflict.Complete);
        Assert.Empty(conflict.Landed);
        Assert.NotNull(_kube.Find(Kinds.Pod, "default", "pi-worker-0"));
        Assert.True((await Apply(new Plan { Actions = [again] })).Complete);
        Assert.Null(_kube.Find(Kinds.Pod, "default", "pi-worker-0"));
        var outcome = await Apply(new Plan { Actions = [again] });
        Assert.True(outcome.Complete);
        Assert.Equal(pod.Meta.Uid, Assert.Single(outcome.Landed).DeletedUid);
    }

    [Fact]
    public async Task All_pods_go_in_one_request_and_the_outcome_tells_which_were_meant()
    {
        var outcome = await Apply(new Plan { Actions = [new PlanAction.DeletePods("default", "a=b", "status.phase!=Failed", "test")] });
        Assert.Equal(["deletecollection pods default/a=b"], _kube.Writes);
        var meant = Assert.Single(outcome.Landed).DeletedPods!;
        Assert.True(meant(Pod("Running", _job)));
        Assert.True(meant(Pod("Pending", _job)));
        Assert.False(meant(Pod("Failed", _job)));
        Assert.False(meant(Pod("Running", A.Object(Thing, "other").Uid("other"))));

        PodView Pod(string phase, KubeObject owner) => PodView.Read(
            A.Pod("p").OwnedBy(owner, controller: true).Label(PlanningNames.JobUid, _job.Meta.Uid).Phase(phase).Build().Root);
    }

    [Fact]
    public void Neighbours_of_one_sort_run_together_and_order_is_kept()
    {
        var pod = new ObjectKey("default", "p");
        PlanAction create = Create(A.Pod("p")), keys = new PlanAction.CreateKeys(KeyKind.Ssh, []), delete = new PlanAction.Delete(Kinds.Pod, pod, "u", "w"),
            patch = new PlanAction.Patch(Kinds.Pod, pod, []);
        ImmutableArray<PlanAction> actions = [create, keys, create, patch, patch, delete, delete, create];
        var runs = PlanApplier.RunsOfLike(actions).ToList();
        Assert.Equal([3, 1, 1, 2, 1], runs.Select(static r => r.Length));
        Assert.Equal(actions, runs.SelectMany(static r => r));
    }
}
