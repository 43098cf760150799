using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Agent.Protocol;

namespace Mpi.Planning.Tests;

/// <summary>What the planner tells a gate that waits.</summary>
public sealed class GateTests
{
    [Fact]
    public void A_gate_that_still_waits_long_after_all_workers_run_is_told_so_by_one_write()
    {
        var world = Waiting();
        world.RunWorkers();
        Assert.False(Noticed(world));

        // Nothing happens in the cluster: the operator comes back because it said it would.
        while (world.Pass().RevisitAt is { } at && at > world.Now) world.Now = at;

        Assert.True(Noticed(world));
        Assert.Single(world.Writes, static w => w == "patch ConfigMap pi-config");
    }

    [Fact]
    public void A_launcher_that_its_Job_has_made_anew_waits_in_a_gate_of_its_own_and_that_is_told_too()
    {
        var world = Waiting();
        world.RunWorkers();
        world.RunLauncher();
        world.Settle();
        world.Now += TimeSpan.FromSeconds(10);
        world.FailLauncherPod(1);
        world.StartLauncherPod();
        Assert.False(Noticed(world));

        while (world.Pass().RevisitAt is { } at && at > world.Now) world.Now = at;

        Assert.True(Noticed(world));
    }

    [Fact]
    public void While_a_worker_does_not_run_the_gate_is_told_nothing()
    {
        var world = Waiting();
        world.RunWorkers(1);
        world.Settle();

        world.Now += TimeSpan.FromDays(2);
        world.Settle();

        Assert.False(Noticed(world));
    }

    [Fact]
    public void A_gate_that_opened_in_time_costs_no_write()
    {
        var world = Waiting();
        world.RunWorkers();
        world.RunLauncher();

        world.Now += TimeSpan.FromDays(2);
        world.Settle();

        Assert.DoesNotContain("patch ConfigMap pi-config", world.Writes);
    }

    [Theory]
    [InlineData("-p 2222", "mpirun", "-mca", "plm_rsh_args", "-p 2222", "-n", "2", "/home/mpiuser/pi")]
    [InlineData("-p 2222 -v", "bash", "-c", "sleep 1; mpirun --mca plm_rsh_args '-p 2222 -v' -n 2 ./pi")]
    [InlineData("-p", "sh", "-c", "mpirun --prtemca plm_ssh_args -p")]
    [InlineData(null, "sh", "-c", "mpirun -mca plm_rsh_args \"$ARGS\" ./pi")]
    [InlineData(null, "mpirun", "-mca", "plm_rsh_args")]
    [InlineData(null, "mpirun", "-n", "2", "./pi")]
    public void Ssh_arguments_on_mpiruns_command_line_are_the_gates_too(string? expected, params string[] command)
    {
        var world = new FakeWorld(Jobs.Pi(2));
        world.Spec["mpiReplicaSpecs"]!["Launcher"]!["template"]!["spec"]!["containers"]![0]!["command"] = new JsonArray([.. command.Select(static w => (JsonNode)w)]);
        world.Settle();

        var gate = world.Launcher!["spec"]!["template"]!["spec"]!["initContainers"]!.AsArray()[^1]!["command"]!.AsArray().Select(static w => w!.ToString()).ToList();

        Assert.Equal(expected, gate.IndexOf("--ssh-args") is >= 0 and var at ? gate[at + 1] : null);
    }

    /// <summary>A job whose launcher pod waits in its gate.</summary>
    private static FakeWorld Waiting()
    {
        var world = new FakeWorld(Jobs.Pi(2));
        world.Settle();
        world.StartLauncherPod();
        world.Settle();
        return world;
    }

    private static bool Noticed(FakeWorld world) =>
        world.Find(Kinds.ConfigMap, "pi-config")!["data"]!["discover_hosts.sh"]!.ToString().EndsWith($"\n{AgentContract.AllWorkersRunNotice}\n", StringComparison.Ordinal);
}
