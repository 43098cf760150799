using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Kube.Types;
using Mpi.Model;
using Outcome = Mpi.Model.RunOutcome;

namespace Mpi.Cli;

/// <summary>Why a job does not run, or why it failed, by all that its objects say. Pure.</summary>
public sealed class JobDoctor(IDialect dialect)
{
    /// <summary>Different matters of events that are told; the newest are.</summary>
    private const int WarningsMax = 5;

    /// <summary>How long a job that nobody has taken up is no fault yet.</summary>
    private static readonly TimeSpan TakenUpWithin = TimeSpan.FromSeconds(30);

    public ImmutableArray<Finding> Examine(JobScene scene, DateTimeOffset now)
    {
        var recorded = dialect.Status.Read(scene.Job.Root.At("status"));
        var parsed = dialect.Parse(scene.Job.Root);
        List<Finding> findings = [Standing(scene, recorded, parsed, now)];
        findings.AddRange(Remarks(recorded));
        if (recorded.Invalid is null && parsed is ParseResult.Rejected { Errors: var errors }) findings.AddRange(errors.Select(static e => Finding.Fault(e.ToString())));

        // What pods of a job that has succeeded say is of no concern any more.
        if (recorded.Outcome is Outcome.Succeeded) return [.. findings];
        findings.AddRange(Grouped(scene.Pods.SelectMany(static p => PodSigns.Of(p).Select(s => (Pod: p.Meta.Name, Sign: s)))));
        findings.AddRange(Warnings(scene, findings));
        findings.AddRange(scene.Logs.Where(static l => l.Value.Length > 0).Select(static l => Finding.Fault($"{l.Key} said last:\n{l.Value}", KnownErrors.RemedyFor(l.Value))));
        return [.. findings];
    }

    private static Finding Standing(JobScene scene, RecordedRun recorded, ParseResult parsed, DateTimeOffset now)
    {
        var age = now - (scene.Job.Meta.CreationTimestamp ?? now);
        var running = scene.Pods.Count(static p => p.Root.Text("status", "phase") == "Running");
        return recorded switch
        {
            _ when scene.Job.Meta.DeletionTimestamp is not null => Finding.Fault($"it is being deleted{(scene.Job.Meta.Finalizers.IsEmpty ? "" : $"; finalizers {string.Join(", ", scene.Job.Meta.Finalizers)} hold it")}", "whoever set the finalizer takes it off; background deletion waits for its pods to end"),
            _ when parsed is ParseResult.ManagedElsewhere elsewhere => Finding.Fine($"{elsewhere.By} manages it (managedBy): the operator here leaves it alone"),
            { Outcome: Outcome.Succeeded } => Finding.Fine("it succeeded"),
            { Outcome: Outcome.Failed failed } => Finding.Fault($"it failed: {failed.Reason}: {failed.Message}"),
            { Suspended: true } => Finding.Fine("it is suspended: nothing runs until spec.runPolicy.suspend is false again; Kueue sets it where the job has a queue"),
            { Invalid: not null } or { Blocked: not null } => Finding.Fine("the operator has taken it up and says what is in the way"),
            { Announced: false } when parsed is ParseResult.Run && age > TakenUpWithin => Finding.Fault($"no operator has taken it up in {Words(age)}", "one must run, lead, and serve this namespace; kubempi doctor looks at the installation, too"),
            { Announced: false } => Finding.Fine($"it is {Words(age)} old, and no operator has taken it up yet"),
            { Running: true } => Finding.Fine($"it runs, with {running} pods"),
            _ => Finding.Fine($"it is starting: {running} of {scene.Pods.Length} pods run{(recorded.WorkerCount is { } workers ? $", and it is to have {workers} workers" : "")}"),
        };
    }

    /// <summary>What the operator said in the job's conditions; the sentences name their remedies.</summary>
    private static IEnumerable<Finding> Remarks(RecordedRun recorded) =>
        from said in new[] { recorded.Invalid, recorded.Blocked, recorded.ReadOtherwise, recorded.GateBypassed, recorded.SpecChanged }
        where said is not null
        select Finding.Fault($"{said.Reason}: {said.Message}");

    /// <summary>What many pods say is told once.</summary>
    private static IEnumerable<Finding> Grouped(IEnumerable<(string Pod, PodSign Sign)> signs) =>
        from said in signs
        group said.Pod by said.Sign into pods
        select Finding.Fault($"{Names([.. pods.Order(StringComparer.Ordinal)])}: {pods.Key.What}", pods.Key.Remedy ?? KnownErrors.RemedyFor(pods.Key.What));

    private static IEnumerable<Finding> Warnings(JobScene scene, List<Finding> told) =>
        scene.Warnings
            .Select(static e => (About: $"{e.Root.Text("involvedObject", "kind")} {e.Root.Text("involvedObject", "name")}", Reason: e.Root.Text("reason") ?? "", Message: e.Root.Text("message") ?? ""))
            .Where(e => e.Message.Length > 0 && !told.Exists(f => f.What.Contains(e.Message, StringComparison.Ordinal)))
            .Reverse().DistinctBy(static e => (e.Reason, e.Message)).Take(WarningsMax)
            .Select(static e => Finding.Fault($"{e.About}: {e.Reason}: {e.Message}", KnownErrors.RemedyFor(e.Message)))
            .ToList();

    private static string Names(List<string> pods) => pods.Count <= 3 ? string.Join(", ", pods) : $"{pods[0]}, {pods[1]} and {pods.Count - 2} more pods";

    private static string Words(TimeSpan age) => age.TotalMinutes < 2 ? string.Create(CultureInfo.InvariantCulture, $"{age.TotalSeconds:0} s") : string.Create(CultureInfo.InvariantCulture, $"{age.TotalMinutes:0} min");
}
