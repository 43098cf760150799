using System.Collections.Immutable;
using System.Globalization;
using Mpi.Agent.Roles;

namespace Simulation;

/// <summary>
/// What an MPI launcher is to the transport below it: it calls for a daemon on each host at once, has them work for a while, and fails as soon as one of
/// its calls does.
/// </summary>
internal sealed class Mpirun
{
    private readonly PodAgent _pod;
    private readonly AgentPods _world;
    private List<Task<string?>> _calls = [];

    private Mpirun(PodAgent pod, AgentPods world) => (_pod, _world) = (pod, world);

    /// <summary>Those of the hostfile, but for its own.</summary>
    public ImmutableArray<string> Hosts { get; private init; }

    /// <summary>Why calls have failed so far; what it has left behind nobody waits for.</summary>
    public IEnumerable<string> Failures => _calls.Where(static call => call.IsCompleted).Select(static call => call.Result).OfType<string>();

    /// <summary>A moment after its container.</summary>
    public static async Task<Mpirun> StartAsync(PodAgent pod, AgentPods world)
    {
        await Task.Delay(world.Seconds(3), world.Clock, CancellationToken.None);
        return new Mpirun(pod, world) { Hosts = [.. Hostfile.Hosts(pod.Read(pod.Hostfile)).Where(host => Hostfile.Short(host) != pod.Name)] };
    }

    /// <param name="call">Has a command run on a host and waits for its end; why that failed, or null.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(Func<string, string[], Task<string?>> call)
    {
        var work = TimeSpan.FromSeconds(8) + _world.Seconds(15);
        _calls = [.. Hosts.Select(host => CallAsync(call, host, work))];
        var left = _calls.ToList();
        while (left.Count > 0)
        {
            var ended = await Task.WhenAny(left);
            left.Remove(ended);
            if (await ended is not { } why) continue;
            _world.Tell(_pod, $"mpirun fails: {why}");
            // It ends what it has started elsewhere, or tries to.
            await Task.Delay(_world.Seconds(2), _world.Clock, CancellationToken.None);
            return 1;
        }

        return 0;
    }

    private async Task<string?> CallAsync(Func<string, string[], Task<string?>> call, string host, TimeSpan work)
    {
        var number = _world.Rules.Called(_pod, host);
        var why = await call(host, ["orted", number.ToString(CultureInfo.InvariantCulture), work.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)]);
        _world.Rules.Ended(number, why);
        return why;
    }
}
