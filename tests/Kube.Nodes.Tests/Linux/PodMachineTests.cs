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
        Assert.Equal("Running", PodPhase.Reported(pod));
        Assert.Equal([Stop("s", 30)], Decide(pod));
        pod = pod.Ended("s", 143);
        Assert.Equal("Succeeded", PodPhase.Reported(pod));
        Assert.Equal([new PodAction.Remove()], Decide(pod));
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
        Assert.Equal([Stop("a", 5), Stop("b", 5)], Decide(pod));
        pod = pod.Stopping("a", 5).Ended("b", 0);
        Assert.Equal([new PodAction.Terminate("a", Now + TimeSpan.FromSeconds(5))], Decide(pod));
        pod = pod.Stopping("a", 5, killAt: 5);
        Assert.Equal(Now + TimeSpan.FromSeconds(5), PodMachine.Decide(pod, Now).RevisitAt);
        Assert.Equal([new PodAction.Kill("a")], Decide(pod, Now + TimeSpan.FromSeconds(5)));
        Assert.Equal([new PodAction.Remove()], Decide(pod.Ended("a", 137)));
    }

    [Fact]
    public void A_preStop_hook_counts_into_the_grace_and_leaves_at_least_two_seconds()
    {
        var pod = Pod("containers: [{name: a}]", deleted: 5).Running("a").Stopping("a", 5, hookRuns: true);
        Assert.Empty(Decide(pod, Now + TimeSpan.FromSeconds(3)));
        Assert.Equal(Now + TimeSpan.FromSeconds(5), PodMachine.Decide(pod, Now).RevisitAt);
        Assert.Equal([new PodAction.Terminate("a", Now + TimeSpan.FromSeconds(7))], Decide(pod, Now + TimeSpan.FromSeconds(5)));
        Assert.Equal([new PodAction.Terminate("a", Now + TimeSpan.FromSeconds(6))], Decide(pod.Stopping("a", 5), Now + TimeSpan.FromSeconds(4)));
    }

    [Fact]
    public void A_second_deletion_with_less_grace_shortens_the_first()
    {
        var pod = Pod("containers: [{name: a}]", deleted: 3).Running("a").Stopping("a", 30, killAt: 30);
        Assert.Empty(Decide(pod, Now + TimeSpan.FromSeconds(2)));
        Assert.Equal([new PodAction.Kill("a")], Decide(pod, Now + TimeSpan.FromSeconds(3)));
    }

    [Fact]
    public void Sidecars_are_told_with_the_others_but_sent_SIGTERM_last_and_in_reverse()
    {
        var pod = Pod("initContainers: [{name: s1, restartPolicy: Always}, {name: s2, restartPolicy: Always}], containers: [{name: a}]", deleted: 30).Running("s1").Running("s2").Running("a");
        Assert.Equal([Stop("s1", 30), Stop("s2", 30), Stop("a", 30)], Decide(pod));
        pod = pod.Stopping("s1", 30).Stopping("s2", 30).Stopping("a", 30);
        Assert.Equal(["a"], Terminated(pod));
        pod = pod.Ended("a", 0);
        Assert.Equal(["s2"], Terminated(pod));
        pod = pod.Ended("s2", 0);
        Assert.Equal(["s1"], Terminated(pod));

        static IEnumerable<string> Terminated(PodObservation pod) => Decide(pod).OfType<PodAction.Terminate>().Select(static t => t.Container);
    }

    [Fact]
    public void A_sidecar_with_a_startup_probe_holds_the_others_up_until_it_has_succeeded()
    {
        var pod = Pod("initContainers: [{name: s, restartPolicy: Always, startupProbe: {exec: {}}}], containers: [{name: a}]").Running("s");
        Assert.Equal([new PodAction.Probe("s", ProbeKind.Startup)], Decide(pod));
        Assert.Equal("Pending", PodPhase.Of(pod));
        Assert.Contains(Start("a"), Decide(pod.With("s", static c => c with { Startup = new ProbeState(Now, 1, 0, true, false) })));
    }

    [Fact]
    public void A_sidecar_that_ends_while_the_others_run_is_restarted_and_holds_nobody_up()
    {
        var pod = Pod("initContainers: [{name: s, restartPolicy: Always}], restartPolicy: Never, containers: [{name: a}]").Ended("s", 1).Running("a");
        Assert.Equal("s", Assert.Single(Decide(pod).OfType<PodAction.Start>()).Container);
        Assert.Equal("Running", PodPhase.Of(pod));
    }

    [Theory]
    [InlineData("livenessProbe: {exec: {}, terminationGracePeriodSeconds: 4}", "Always", 4, "Container a failed liveness probe, will be restarted")]
    [InlineData("livenessProbe: {exec: {}}", "Never", 30, "Container a failed liveness probe")]
    [InlineData("startupProbe: {exec: {}}", "OnFailure", 30, "Container a failed startup probe, will be restarted")]
    public void A_failed_probe_stops_the_container_with_its_own_grace_and_says_what_follows(string probe, string policy, int grace, string message)
    {
        var failed = new ProbeState(Now, 0, 3, false, false);
        var pod = Pod($"restartPolicy: {policy}, containers: [{{name: a, {probe}}}]").Running("a").With("a", c => c with { Liveness = c.View.Liveness is null ? default : failed, Startup = c.View.Startup is null ? default : failed });
        Assert.Equal([new PodAction.Stop("a", message, TimeSpan.FromSeconds(grace))], Decide(pod));
    }

    [Fact]
    public void A_pod_on_its_way_out_is_still_asked_whether_it_is_ready_but_not_whether_it_lives()
    {
        var pod = Pod("containers: [{name: a, livenessProbe: {exec: {}}, readinessProbe: {exec: {}}}]", deleted: 30).Running("a").Stopping("a", 30, killAt: 30);
        Assert.Equal([new PodAction.Probe("a", ProbeKind.Readiness)], Decide(pod));
    }

    [Fact]
    public void A_container_that_is_being_restarted_keeps_the_pod_running()
    {
        var pod = Pod("restartPolicy: OnFailure, containers: [{name: a}]").Ended("a", 1).With("a", static c => c with { State = ContainerRunState.Starting, LastTermination = c.Termination, Termination = null });
        Assert.Equal("Running", PodPhase.Of(pod));
        Assert.Empty(Decide(pod));
    }

    [Fact]
    public void A_containers_own_restart_rules_go_before_the_pods()
    {
        var pod = Pod("restartPolicy: Never, containers: [{name: a, restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [42]}}]}, {name: b, restartPolicy: OnFailure}]");
        Assert.Equal(["a", "b"], Started(pod.Ended("a", 42).Ended("b", 1)));
        Assert.Equal("Running", PodPhase.Of(pod.Ended("a", 42).Ended("b", 0)));
        Assert.Equal("Failed", PodPhase.Of(pod.Ended("a", 41).Ended("b", 0)));

        static IEnumerable<string> Started(PodObservation pod) => Decide(pod).OfType<PodAction.Start>().Select(static s => s.Container);
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
            state = Probing.Count(state, probe, ProbeOutcome.Error);
            state = Probing.Count(state, probe, success ? ProbeOutcome.Success : ProbeOutcome.Failure);
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

    private static PodAction.Stop Stop(string name, int grace) => new(name, $"Stopping container {name}", TimeSpan.FromSeconds(grace));
}

internal static class PodObservations
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 9, 0, 0, TimeSpan.Zero);

    public static PodObservation With(this PodObservation pod, string name, Func<ContainerObservation, ContainerObservation> change) =>
        pod with { Containers = [.. pod.Containers.Select(c => c.View.Name == name ? change(c) : c)] };

    public static PodObservation Running(this PodObservation pod, string name) => pod.With(name, static c => c with { State = ContainerRunState.Running, StartedAt = Now });

    /// <param name="killAt">Seconds after the beginning; null before SIGTERM.</param>
    public static PodObservation Stopping(this PodObservation pod, string name, int grace, int? killAt = null, bool hookRuns = false) =>
        pod.With(name, c => c with { Stopping = new Stop(Now, TimeSpan.FromSeconds(grace), hookRuns, killAt is { } seconds ? Now + TimeSpan.FromSeconds(seconds) : null, KillSent: false) });

    public static PodObservation Ended(this PodObservation pod, string name, int exitCode) =>
        pod.With(name, c => c with { State = ContainerRunState.Ended, Stopping = null, Termination = new Termination(exitCode, exitCode == 0 ? "Completed" : "Error", "", Now, Now, "run") });
}
