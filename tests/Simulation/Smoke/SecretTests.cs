using System.Text;
using Kube.Client;
using Kube.Testing;
using Kube.Types;

namespace Simulation;

/// <summary>What a job's Secret holds stands in that Secret and nowhere else.</summary>
public sealed class SecretTests
{
    private static readonly string[] Forms = [OperatorSeat.SecretWord, Convert.ToBase64String(Encoding.ASCII.GetBytes(OperatorSeat.SecretWord))[..^4]];

    /// <summary>Pods with their environment and command lines, jobs, config maps, status, events and the operator's log, from the beginning to the end, with writes that fail.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_object_event_or_line_of_the_log_ever_holds_a_jobs_keys(bool overAgent)
    {
        var failed = 0;
        var faults = new Faults
        {
            Name = "each kind of write fails in each way",
            CrashAfter = [5],
            OnWrite = (number, _) => failed == 12 || number % 2 == 1 ? null : (failed++ % 4) switch { 0 => Fault.Conflict(), 1 => Fault.InternalError(), 2 => Fault.Unreachable(), _ => Fault.TimeoutAfterLanding() },
        };
        await using var world = new SimulatedCluster(new SimulationOptions(21) { Faults = faults });
        var (leaks, kinds, secrets, lines) = (new List<string>(), new HashSet<string>(), 0, 0);
        world.Observer.Changed = (kind, _, after) =>
        {
            if (after is null) return;
            kinds.Add(kind.Kind);
            if (kind == Kinds.Secret) secrets += Holds(after.Root.GetRawText()) ? 1 : 0;
            else if (Holds(after.Root.GetRawText())) leaks.Add($"{kind.Kind} {after.Meta.Name}");
        };
        world.Operator.Log.Said = line =>
        {
            lines++;
            if (Holds(line)) leaks.Add($"the log: {line}");
        };
        var job = MpiJobs.Job("pi");
        world.Create(overAgent ? MpiJobs.OverAgent(job) : job, MpiJobs.Kind);

        world.RunUntil(() => world.Find(MpiJobs.Kind, "pi") is { } pi && MpiJobs.Has(pi, "Succeeded"), TimeSpan.FromMinutes(30), "the job's end");

        var events = (await world.Admin.ListAsync(Kinds.Event, null, new ListOptions(), CancellationToken.None)).Items;
        leaks.AddRange(events.Where(static e => Holds(e.Root.GetRawText())).Select(static e => $"Event {e.Meta.Name}"));
        Assert.Empty(leaks);
        // There was something to leak, and there were places to leak it to.
        Assert.True(secrets > 0 && events.Count > 0 && lines > 0 && kinds.IsSupersetOf(["Pod", "Job", "ConfigMap", "Service", "MPIJob"]), $"{secrets} secrets, {events.Count} events, {lines} lines, {string.Join(", ", kinds)}");
    }

    private static bool Holds(string text) => Forms.Any(form => text.Contains(form, StringComparison.Ordinal));
}
