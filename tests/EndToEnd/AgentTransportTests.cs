using System.Text.Json.Nodes;
using Kube.Types;

namespace EndToEnd;

/// <summary>Jobs over the agent, through the whole program: real mpirun, and no sshd.</summary>
[Collection("this machine")]
public sealed class AgentTransportTests
{
    [Theory]
    [InlineData("examples/agent/job.yaml", "agent")]
    [InlineData("examples/agent/mpich.yaml", "agent-mpich")]
    public async Task Ranks_run_on_both_workers_and_neither_ssh_nor_a_shell_is_ever_started(string example, string job)
    {
        await using var recording = new ProcessRecording();
        var result = await Kubempi.RunAsync("run", example);
        var started = await recording.EndAsync();

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(4, $"{job}-worker-0", $"{job}-worker-1");
        // The recording did see what this run started; ranks may be too quick on a busy machine.
        Assert.Contains("mpirun", started);
        Assert.Contains("kubempi-agent", started);
        Assert.Empty(started.Intersect(["ssh", "sshd", "ssh-keygen", "kubectl", "rsh"]));
        Assert.Empty(recording.ContainerShells);
    }

    [Theory]
    [InlineData("examples/agent/job.yaml", "agent")]
    [InlineData("examples/agent/mpich.yaml", "agent-mpich")]
    public async Task Images_without_a_shell_will_do(string example, string job)
    {
        var manifest = Yaml.Read(await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, example)))[0].Root;
        foreach (var role in new[] { "Launcher", "Worker" })
        {
            // Whoever starts a shell here, however briefly, gets "permission denied".
            var pod = manifest["spec"]!["mpiReplicaSpecs"]![role]!["template"]!["spec"]!.AsObject();
            pod["volumes"] = JsonNode.Parse("""[{ "name": "no-program", "hostPath": { "path": "/etc/passwd", "type": "File" } }]""");
            pod["containers"]![0]!["volumeMounts"] = JsonNode.Parse("""[{ "name": "no-program", "mountPath": "/usr/bin/dash" }, { "name": "no-program", "mountPath": "/usr/bin/bash" }]""");
        }

        var result = await Kubempi.RunTextAsync(manifest.ToJsonString());

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(4, $"{job}-worker-0", $"{job}-worker-1");
    }

    [Fact]
    public async Task A_worker_with_a_command_of_its_own_is_refused_with_what_to_write()
    {
        var manifest = await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, "examples/agent/job.yaml"));

        var result = await Kubempi.RunTextAsync(manifest.Replace("            - name: worker\n", "            - name: worker\n              command: [/usr/sbin/sshd, -De]\n", StringComparison.Ordinal));

        result.ShouldEndWith(2);
        Assert.Contains("must be left out with transport agent", result.Error, StringComparison.Ordinal);
        Assert.Contains("Remove command and args, or end a script of your own with: exec /kubempi/kubempi-agent worker", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_that_is_lost_under_its_ranks_is_named()
    {
        var manifest = await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, "examples/agent/job.yaml"));

        // The last rank kills its own worker's agent; the container starts again in place, so that the pod has nothing to tell.
        var result = await Kubempi.RunTextAsync(manifest
            .Replace("  runPolicy:\n", "  runPolicy:\n    backoffLimit: 0\n", StringComparison.Ordinal)
            .Replace("    Launcher:\n", "    Launcher:\n      restartPolicy: Never\n", StringComparison.Ordinal)
            .Replace("    Worker:\n", "    Worker:\n      restartPolicy: OnFailure\n", StringComparison.Ordinal)
            .Replace("/home/mpiuser/pi]", "sh, -c, 'test $OMPI_COMM_WORLD_RANK != 3 || kill -9 $(pgrep -f [a]gent.worker); sleep 600']", StringComparison.Ordinal));

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("worker agent-worker-1 was lost (", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failing_rank_gives_the_run_its_exit_code()
    {
        var manifest = await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, "examples/agent/job.yaml"));

        var result = await Kubempi.RunTextAsync(manifest
            .Replace("  runPolicy:\n", "  runPolicy:\n    backoffLimit: 0\n", StringComparison.Ordinal)
            .Replace("    Launcher:\n", "    Launcher:\n      restartPolicy: Never\n", StringComparison.Ordinal)
            .Replace("/home/mpiuser/pi]", "sh, -c, 'echo nowhere to go >&2; exit 7']", StringComparison.Ordinal));

        result.ShouldEndWith(7);
        Assert.Contains("nowhere to go", result.Output + result.Error, StringComparison.Ordinal);
    }
}
