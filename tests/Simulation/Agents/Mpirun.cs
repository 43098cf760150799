using System.Collections.Immutable;
using System.Globalization;
using Kube.Nodes.Virtual;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;
using Mpi.Agent.Testing;

namespace Simulation;

/// <summary>
/// What an MPI launcher is to the agent: it calls for a daemon on each host at once, has them work for a while, and fails as soon as one of its
/// calls does. Beside it the launcher's process, which holds the connections, and whose report is the container's message.
/// </summary>
internal sealed class Mpirun(PodAgent pod, AgentPods world)
{
    /// <summary>How long those that are alike are told that the command has ended (MemberRole).</summary>
    private static readonly TimeSpan DismissalLimit = TimeSpan.FromSeconds(10);

    private readonly List<LostWorker> _lost = [];
    private string _message = "";

    public async Task<ContainerRun> RunAsync()
    {
        var began = world.Now;
        await Task.Delay(world.Seconds(3), world.Clock, CancellationToken.None);
        ImmutableArray<string> hosts = [.. Hostfile.Hosts(pod.Read(pod.Hostfile)).Where(host => Hostfile.Short(host) != pod.Name)];
        var report = new LossReport(message => _message = message, TextWriter.Null);
        using var listener = pod.Listen(AgentRole.Launcher);
        using var launcher = new LauncherRole(listener, new LauncherFiles("/nowhere"), lost =>
        {
            _lost.Add(lost);
            report.Add(lost);
            world.Tell(pod, $"has lost {lost.Host}: {lost.Reason}");
        }, world.Clock);
        using var ends = new CancellationTokenSource();
        _ = launcher.ServeWorkersAsync(ends.Token);
        var work = TimeSpan.FromSeconds(8) + world.Seconds(15);
        var calls = hosts.Select(host => CallAsync(launcher, host, work, ends.Token)).ToList();
        var (code, left) = (0, calls.ToList());
        while (left.Count > 0 && code == 0)
        {
            var ended = await Task.WhenAny(left);
            left.Remove(ended);
            if (await ended is not { } why) continue;
            world.Tell(pod, $"mpirun fails: {why}");
            // It ends what it has started elsewhere, or tries to.
            await Task.Delay(world.Seconds(2), world.Clock, CancellationToken.None);
            code = 1;
        }

        // What it has left behind nobody waits for.
        var results = calls.Where(static call => call.IsCompleted).Select(static call => call.Result).ToList();
        if (pod.IsMember) await launcher.DismissAsync(hosts, DismissalLimit);
        world.Rules.Finished(pod, began, code, results, _lost, _message);
        return new ContainerRun(null, code) { Message = _message };
    }

    private async Task<string?> CallAsync(LauncherRole launcher, string host, TimeSpan work, CancellationToken cancellation)
    {
        var call = world.Rules.Called(pod, host);
        string[] words = ["orted", call.ToString(CultureInfo.InvariantCulture), work.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)];
        var why = await StubCall.RunAsync(world.Network, pod.Uid, launcher, host, words, cancellation);
        world.Rules.Ended(call, why);
        return why;
    }
}
