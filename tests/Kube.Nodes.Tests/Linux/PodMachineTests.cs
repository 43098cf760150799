using System.Text.Json.Nodes;
using Kube.Nodes.Linux;
using Kube.Types;

namespace Kube.Nodes.Tests;

/// <summary>The kubelet's rules, decided without a process.</summary>
public sealed class PodMachineTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 9, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_sandbox_comes_before_any_container() =>
        Assert.Equal([new PodAction.CreateSandbox()], Decide(Pod("containers: [{name: a}]") with { HasSandbox = false }));

    [Fact]
    public void Init_containers_run_one_after_another_and_all_others_at_once()
    {
        var pod = Pod("initContainers: [{name: i1}, {name: i2}], containers: [{name: a}, {name: b}]");
        Assert.Equal([Start("i1")], Decide(pod));
        pod = pod.Running("i1");
        Assert.Empty(Decide(pod));
        pod = pod.Ended("i1", 0);
        Assert.Equal([Start("i2")], Decide(pod));
        pod = pod.Ended("i2", 0);
        Assert.Equal([Start("a"), Start("b")], Decide(pod));
        Assert.Equal("Pending", PodPhase.Of(pod));
    }

    [Fact]
    public void A_sidecar_holds_the_others_up_only_until_it_has_started_and_ends_after_them()
    {
        var pod = Pod("initContainers: [{name: s, restartPolicy: Always}], restartPolicy: Never, containers: [{name: a}]");
        Assert.Equal([Start("s")], Decide(pod));
        pod = pod.Running("s");
        Assert.Equal([Start("a")], Decide(pod));
        pod = pod.Ended("a", 0);
        Assert.Equal("Succeeded", PodPhase.Of(pod));
        Assert.Equal([new PodAction.Stop("s", "Killing", TimeSpan.FromSeconds(30))], Decide(pod));
        Assert.Equal([new PodAction.Remove()], Decide(pod.Ended("s", 143)));
    }

    [Theory]
    [InlineData("Always", 0, "Running", true)]
    [InlineData("Always", 1, "Running", true)]
    [InlineData("OnFailure", 0, "Succeeded", false)]
    [InlineData("OnFailure", 1, "Running", true)]
    [InlineData("Never", 0, "Succeeded", false)]
    [InlineData("Never", 1, "Failed", false)]
    public void An_end_is_final_or_not_by_the_restart_policy(string policy, int exitCode, string phase, bool restarts)
    {
        var pod = Pod($"restartPolicy: {policy}, containers: [{{name: a}}]").Ended("a", exitCode);
        Assert.Equal(phase, PodPhase.Of(pod));
        Assert.Equal(restarts, Decide(pod).OfType<PodAction.Start>().Any());
    }

    [Fact]
    public void Restarts_come_at_once_then_after_10_20_40_seconds_and_never_later_than_5_minutes()
    {
        var backOff = default(BackOff);
        var delays = new List<double>();
        var now = Now;
        for (var i = 0; i < 9; i++)
        {
            var finished = now;
            now = backOff.DueAfter(finished);
            delays.Add((now - finished).TotalSeconds);
            backOff = backOff.Next(finished, now);
        }

        Assert.Equal([0, 10, 20, 40, 80, 160, 300, 300, 300], delays);
    }

    [Fact]
    public void A_container_that_ran_for_more_than_ten_minutes_is_forgiven()
    {
        var backOff = new BackOff(BackOff.Longest, Now);
        var finished = Now + TimeSpan.FromMinutes(11);
        Assert.Equal(finished, backOff.DueAfter(finished));
        Assert.Equal(BackOff.First, backOff.Next(finished, finished).Delay);
    }

    [Fact]
    public void While_the_back_off_lasts_the_decision_is_to_look_again_when_it_ends()
    {
        var pod = Pod("containers: [{name: a}]").Ended("a", 1).With("a", static c => c with { BackOff = new BackOff(TimeSpan.FromSeconds(20), Now) });
        var decision = PodMachine.Decide(pod, Now);
        Assert.Empty(decision.Actions);
        Assert.Equal(Now + TimeSpan.FromSeconds(20), decision.RevisitAt);
        Assert.Equal("CrashLoopBackOff", (string?)PodStatus.Of(pod, null, Now)["containerStatuses"]![0]!["state"]!["waiting"]!["reason"]);
    }

    [Fact]
    public void A_deleted_pods_containers_get_SIGTERM_then_SIGKILL_after_the_grace_then_the_sandbox_goes()
    {
        var pod = Pod("containers: [{name: a}, {name: b}]", deleted: 5).Running("a").Running("b");
        Assert.Equal([new PodAction.Stop("a", "Killing", TimeSpan.FromSeconds(5)), new PodAction.Stop("b", "Killing", TimeSpan.FromSeconds(5))], Decide(pod));
        pod = pod.With("a", static c => c with { Stopping = new Stop(Now, TimeSpan.FromSeconds(5), "Killing", KillSent: false) }).Ended("b", 0);
        Assert.Equal(Now + TimeSpan.FromSeconds(5), PodMachine.Decide(pod, Now).RevisitAt);
        Assert.Equal([new PodAction.Kill("a")], Decide(pod, Now + TimeSpan.FromSeconds(5)));
        Assert.Equal([new PodAction.Remove()], Decide(pod.Ended("a", 137)));
    }

    [Fact]
    public void Readiness_and_liveness_wait_for_the_startup_probe()
    {
        var pod = Pod("containers: [{name: a, startupProbe: {exec: {}}, livenessProbe: {exec: {}}, readinessProbe: {exec: {}, initialDelaySeconds: 3}}]").Running("a");
        Assert.Equal([new PodAction.Probe("a", ProbeKind.Startup)], Decide(pod));
        pod = pod.With("a", static c => c with { Startup = new ProbeState(Now, 1, 0, true, false) });
        Assert.Equal([new PodAction.Probe("a", ProbeKind.Liveness)], Decide(pod));
        Assert.Equal([new PodAction.Probe("a", ProbeKind.Liveness), new PodAction.Probe("a", ProbeKind.Readiness)], Decide(pod, Now + TimeSpan.FromSeconds(3)));
    }

    [Fact]
    public void A_probe_turns_only_after_enough_results_in_a_row()
    {
        var probe = new ProbeSpec(default, default, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), SuccessThreshold: 2, FailureThreshold: 3);
        var state = default(ProbeState);
        var seen = new List<bool?>();
        foreach (var success in (ReadOnlySpan<bool>)[true, true, false, false, true, false, false, false, true, true])
        {
            state = Probing.Count(state, probe, success);
            seen.Add(state.Result);
        }

        Assert.Equal([null, true, true, true, true, true, true, false, false, true], seen);
    }

    [Fact]
    public void A_final_phase_is_never_taken_back()
    {
        var pod = Pod("restartPolicy: Never, containers: [{name: a}]").Ended("a", 1) with { FinalPhase = "Succeeded" };
        Assert.Equal("Succeeded", PodPhase.Of(pod));
        Assert.DoesNotContain(Decide(pod), static a => a is PodAction.Start);
    }

    [Fact]
    public void An_unchanged_pod_has_an_unchanged_status()
    {
        var pod = Pod("containers: [{name: a}]").Running("a");
        var first = PodStatus.Of(pod, null, Now);
        Assert.True(JsonNode.DeepEquals(first, PodStatus.Of(pod, first, Now + TimeSpan.FromHours(1))));
    }

    [Fact]
    public void Conditions_of_other_writers_are_kept()
    {
        var pod = Pod("readinessGates: [{conditionType: mine/gate}], containers: [{name: a}]").Running("a");
        var present = new JsonObject { ["conditions"] = new JsonArray(new JsonObject { ["type"] = "mine/gate", ["status"] = "False" }) };
        var conditions = PodStatus.Of(pod, present, Now)["conditions"]!.AsArray();
        Assert.Contains(conditions, static c => (string?)c!["type"] == "mine/gate");
        Assert.Equal("ReadinessGatesNotReady", (string?)conditions.Single(static c => (string?)c!["type"] == "Ready")!["reason"]);
        Assert.Equal("True", (string?)conditions.Single(static c => (string?)c!["type"] == "ContainersReady")!["status"]);
    }

    private static PodObservation Pod(string spec, int? deleted = null)
    {
        var deletion = deleted is null ? "" : $", deletionTimestamp: \"2026-03-01T09:00:05Z\", deletionGracePeriodSeconds: {deleted}";
        var view = new PodSpecView(KubeObject.From(Yaml.Read($"{{apiVersion: v1, kind: Pod, metadata: {{name: p, namespace: n, uid: u{deletion}}}, spec: {{{spec}}}}}")[0].Root));
        return new PodObservation(view, [.. view.Containers.Select(static c => new ContainerObservation(c))]) { HasSandbox = true, Address = "10.0.0.1", StartedAt = Now };
    }

    private static IEnumerable<PodAction> Decide(PodObservation pod, DateTimeOffset? now = null) => PodMachine.Decide(pod, now ?? Now).Actions;

    private static PodAction.Start Start(string name) => new(name, default);
}

internal static class PodObservations
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 9, 0, 0, TimeSpan.Zero);

    public static PodObservation With(this PodObservation pod, string name, Func<ContainerObservation, ContainerObservation> change) =>
        pod with { Containers = [.. pod.Containers.Select(c => c.View.Name == name ? change(c) : c)] };

    public static PodObservation Running(this PodObservation pod, string name) => pod.With(name, static c => c with { State = ContainerRunState.Running, StartedAt = Now });

    public static PodObservation Ended(this PodObservation pod, string name, int exitCode) =>
        pod.With(name, c => c with { State = ContainerRunState.Ended, Stopping = null, Termination = new Termination(exitCode, exitCode == 0 ? "Completed" : "Error", "", Now, Now, "run") });
}
