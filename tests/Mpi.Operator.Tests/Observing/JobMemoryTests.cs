using Kube.Testing;
using Kube.Types;
using Mpi.Planning;
using PodView = Mpi.Planning.PodView;

namespace Mpi.Operator.Tests;

public sealed class JobMemoryTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly JobMemory _memory = new("job-uid");
    private readonly Dictionary<ResourceKind, string> _seen = [];

    private void Absorb(ApplyOutcome outcome, params IEnumerable<PodView> pods) =>
        _memory.Absorb(outcome, static kind => kind == Kinds.Pod || kind == Kinds.Job, pods, Now);

    private Freshness Check(TimeSpan later = default) => _memory.Check(_seen.GetValueOrDefault, Now + later);

    private bool CaughtUp(TimeSpan later = default) => Check(later) == Freshness.Fresh;

    private static LandedWrite Wrote(ResourceKind kind, string version, string name = "x") =>
        new(kind, new ObjectKey("default", name), A.Object(kind, name).Uid("u").With("metadata.resourceVersion", $"\"{version}\""));

    private static PodView Pod(string uid, string phase = "Running") =>
        PodView.Read(A.Pod("p-" + uid).Uid(uid).Phase(phase).Build().Root);

    [Fact]
    public void A_pass_waits_until_the_stores_show_the_last_ones_writes()
    {
        Assert.True(CaughtUp());
        Absorb(new ApplyOutcome { Landed = [Wrote(Kinds.Pod, "12"), Wrote(Kinds.Pod, "9"), Wrote(Kinds.Job, "10")] });
        Assert.False(CaughtUp());
        _seen[Kinds.Pod] = "11";
        _seen[Kinds.Job] = "10";
        Assert.False(CaughtUp());
        _seen[Kinds.Pod] = "100";
        Assert.True(CaughtUp());
    }

    [Fact]
    public void An_event_that_does_not_come_makes_the_watch_suspect_and_is_not_waited_for_for_ever()
    {
        Absorb(new ApplyOutcome { Landed = [Wrote(Kinds.Pod, "12")] });
        var now = JobMemory.Patience - TimeSpan.FromTicks(1);
        Assert.Equal([], Assert.IsType<Freshness.Behind>(Check(now)).Overdue);
        for (var round = 1; round <= 3; round++)
        {
            now = JobMemory.Patience * round;
            var behind = Assert.IsType<Freshness.Behind>(Check(now));
            Assert.Equal([Kinds.Pod], behind.Overdue);
            Assert.Equal(Now + JobMemory.Patience * (round + 1), behind.Until);
            Assert.Equal([], Assert.IsType<Freshness.Behind>(Check(now)).Overdue);
        }

        Assert.True(CaughtUp(JobMemory.Patience * 4));
        Assert.True(CaughtUp(JobMemory.Patience * 4));
    }

    [Fact]
    public void Versions_that_are_no_numbers_are_waited_for_by_the_clock_alone()
    {
        Absorb(new ApplyOutcome { Landed = [Wrote(Kinds.Pod, "abc")] });
        _seen[Kinds.Pod] = "abd";
        Assert.False(CaughtUp());
        for (var round = 1; round <= 3; round++) Assert.False(CaughtUp(JobMemory.Patience * round));
        Assert.True(CaughtUp(JobMemory.Patience * 4));
    }

    [Fact]
    public void What_no_store_shows_is_remembered_and_not_waited_for()
    {
        var config = A.ConfigMap("pi-config").Uid("c").With("data", """{"hostfile":"a\n"}""").Build();
        var secret = A.Object(Kinds.Secret, "pi-ssh").Uid("s").With("data", """{"ssh-privatekey":"eA==","ssh-publickey":"eQ=="}""").Build();
        Absorb(new ApplyOutcome { Landed = [new(Kinds.ConfigMap, config.Meta.Key, config), new(Kinds.Secret, secret.Meta.Key, secret)] });
        Assert.True(CaughtUp());
        Assert.Equal(["hostfile"], _memory.ConfigMaps["pi-config"].View!.Keys);
        Assert.Equal(["ssh-privatekey", "ssh-publickey"], _memory.Secret!.View!.Keys);
    }

    [Fact]
    public void A_conflict_makes_it_forget_what_nobody_else_can_tell()
    {
        var config = A.ConfigMap("pi-config").Uid("c").Build();
        Absorb(new ApplyOutcome { Landed = [new(Kinds.ConfigMap, config.Meta.Key, config)] });
        Absorb(new ApplyOutcome { Trouble = ScriptedKube.Failure(409, ApiReason.Conflict, "modified") });
        Assert.Empty(_memory.ConfigMaps);
        Assert.Equal(1, _memory.StaleInARow);
        Absorb(new ApplyOutcome());
        Assert.Equal(0, _memory.StaleInARow);
    }

    [Fact]
    public void A_deletion_counts_from_when_it_was_asked_for_until_the_object_is_gone()
    {
        Absorb(new ApplyOutcome { Landed = [new(Kinds.Pod, new ObjectKey("default", "p"), null) { DeletedUid = "a" }] });
        Absorb(
            new ApplyOutcome { Landed = [new(Kinds.Pod, new ObjectKey("default", ""), null) { DeletedPods = static p => p.Phase == PodPhase.Running }] },
            Pod("b"), Pod("c", "Failed"));
        Assert.Equal(Now, _memory.DeletionAskedAt("a"));
        Assert.Equal(Now, _memory.DeletionAskedAt("b"));
        Assert.Null(_memory.DeletionAskedAt("c"));
        _memory.ForgetDeletionsExcept(new HashSet<string> { "b" });
        Assert.Null(_memory.DeletionAskedAt("a"));
        Assert.Equal(Now, _memory.DeletionAskedAt("b"));
    }

    [Fact]
    public void A_refusal_lasts_until_a_plan_goes_through()
    {
        Absorb(new ApplyOutcome { Refused = [new(Kinds.Pod, new ObjectKey("default", "pi-worker-0"), new ApiStatus(403, ApiReason.Forbidden, "exceeded quota"))] });
        Assert.Equal(new RefusedWrite("worker pod", "exceeded quota"), _memory.Refused);
        Assert.Equal(1, _memory.FindingsInARow);
        Absorb(new ApplyOutcome());
        Assert.Null(_memory.Refused);
        Assert.Equal(0, _memory.FindingsInARow);
    }

    [Fact]
    public void A_name_that_is_taken_is_remembered_as_somebody_elses()
    {
        var theirs = A.Job("pi-launcher").Uid("theirs").Build();
        Absorb(new ApplyOutcome { Foreign = [new(Kinds.Job, theirs.Meta.Key, theirs), new(Kinds.Secret, new ObjectKey("default", "pi-ssh"), null)] });
        Assert.Equal("theirs", Assert.Single(_memory.Met).Value.Meta.Uid);
        Assert.Equal("", _memory.Secret!.View!.Meta.OwnerUid);
        Assert.Equal("pi-ssh", _memory.Secret.View.Meta.Name);
    }
}
