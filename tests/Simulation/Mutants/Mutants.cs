using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;
using Mpi.Model;
using Mpi.Operator;
using Mpi.Planning;
using static Simulation.Mistaken;
using PodView = Mpi.Planning.PodView;

namespace Simulation;

/// <summary>The mistakes that the simulation must find, by what they are about.</summary>
internal static class Mutants
{
    public static readonly ImmutableArray<Mutant> All =
    [
        // What is recorded, and when.
        new("the status is written after the actions, whatever it announces", "seed 1", Plans(static (_, plan) => plan with { StatusFirst = false })),
        new("a result is recorded after the clean-up", "seed 1", Plans(static (_, plan) => plan.Status?["completionTime"] is null ? plan : plan with { StatusFirst = false })),
        new("the launcher of the attempt is not remembered", "seed 24", Memory(static recorded => recorded with { Attempt = recorded.Attempt is { } attempt ? attempt with { LauncherUid = null } : null })),
        new("an attempt after a restart keeps its number", "seed 2", Report(static (_, report) => report.Attempt is { } attempt ? report with { Attempt = attempt with { Number = 1 } } : report)),
        new("the status says anew at each pass when it was written", "seed 1", Plans(static (seen, plan) => seen.Job.Root.Has("status") && plan.Status is null && plan.Confirm.IsEmpty
            ? plan with { Status = Changed((JsonObject)seen.Job.Root.At("status").ToTree()!, s => s["lastReconcileTime"] = KubeTime.Format(seen.Now)), RevisitAt = seen.Now.AddSeconds(30) }
            : plan)),
        new("an event is written before the status that it is about", "seed 1", Plans(static (seen, plan) => plan with
        {
            Events = [],
            StatusFirst = false,
            Actions = [.. plan.Events.Select((news, i) => new PlanAction.Create(Kinds.Event, AsEvent(seen, news, i))), .. plan.Actions],
        })),
        new("what was said is remembered in the process alone", "seed 1", Rules(static decide =>
        {
            var told = false;
            return seen =>
            {
                var plan = decide(seen);
                if (!Conditions.IsTrue(seen.Job.Root.At("status"), "Running")) return plan;
                (var again, told) = (!told, true);
                return again ? plan with { Events = plan.Events.Add(PlanEvent.Normal("MPIJobRunning", "running")) } : plan;
            };
        })),
        new("a plan is made by chance", "seed 2", Plans(static (seen, plan) => plan.RevisitAt is { } at ? plan with { RevisitAt = at.AddMilliseconds(Random.Shared.Next(1000)) } : plan)),

        // Ends.
        new("a result does not stand", "seed 1", Memory(static recorded => recorded with { Outcome = null })),
        new("a failure is not final", "seed 24", Memory(static recorded => recorded.Outcome is RunOutcome.Failed ? recorded with { Outcome = null } : recorded)),
        new("the time of the end is that of the last write", "seed 5", Plans(static (seen, plan) => plan.Confirm.IsEmpty && seen.Job.Root.Time("status", "completionTime") < seen.Now.AddSeconds(-20)
            ? plan with { Status = Changed((JsonObject)seen.Job.Root.At("status").ToTree()!, s => s["completionTime"] = KubeTime.Format(seen.Now)) }
            : plan)),
        new("a launcher that has vanished has succeeded", "seed 24", Report(static (_, report) => report.Outcome is RunOutcome.Failed { Reason: "LauncherDeleted" } ? report with { Outcome = new RunOutcome.Succeeded() } : report)),
        new("a Job that has ended has succeeded", "seed 4", Sight(static seen => seen.Launcher is { End: { } end } launcher ? seen with { Launcher = launcher with { End = end with { Succeeded = true } } } : seen)),
        new("a result has no time", "seed 1", Report(static (_, report) => report with { CompletionTime = null })),

        // Retries.
        new("a restart counts twice", "seed 2", Report(static (_, report) => report is { Restarting: not null, Attempt: { } attempt } ? report with { Attempt = attempt with { Failures = attempt.Failures + 1 } } : report)),
        new("an eviction counts as the user's failure", "seed 22", Sight(static seen => seen with { Workers = [.. seen.Workers.Select(static w => w.Phase == PodPhase.Failed ? w with { Reason = "", Disruption = "" } : w)] })),
        new("waiting for a slow worker is a failure", "seed 37", Sight(static seen => seen with
        {
            Workers = [.. seen.Workers.Select(w => w.Phase == PodPhase.Pending && w.Meta.CreationTimestamp < seen.Now.AddSeconds(-10) ? w with { Phase = PodPhase.Failed } : w)],
        })),
        new("one retry more than backoffLimit", "seed 1", Reading(static run => run with { Retry = run.Retry with { BackoffLimit = run.Retry.BackoffLimit + 1 } })),
        new("each attempt may fail as often as all together", "a second attempt after a failure", Action(static (seen, action) => action is PlanAction.Create { Kind.Kind: "Job" } create && seen.Parsed is ParseResult.Run { Value: { Workers.Form: not WorkerForm.JobIndexes, Retry.BackoffLimit: { } limit } }
            ? create with { Manifest = Changed(create.Manifest, m => m.Object("spec")["backoffLimit"] = limit) }
            : action)),

        // The launcher.
        new("the next launcher does not wait for the last one's pods", "seed 2", Rules(static decide => seen =>
        {
            var plan = decide(seen with { Launcher = seen.Launcher is { Meta.Deleting: true } ? null : seen.Launcher, LauncherPods = [.. seen.LauncherPods.Where(p => p.Meta.OwnerUid == seen.Launcher?.Meta.Uid)] });
            return plan with { Actions = [.. plan.Actions.Select(static a => a is PlanAction.Delete { Kind.Kind: "Job" } delete ? delete with { Propagation = "Background" } : a)] };
        })),
        new("the launcher is made before its workers are ready", "seed 13", Reading(static run => run with { Launcher = run.Launcher with { Creation = LauncherCreation.AtStartup } })),
        new("the gate is left out", "seed 1", Reading(static run => run with { Gated = false })),
        new("a lifetime counts from the launcher's start", "seed 5", Action(static (seen, action) => action is PlanAction.Create { Kind.Kind: "Job" } create && seen.Parsed is ParseResult.Run { Value.TtlSecondsAfterFinished: { } ttl }
            ? create with { Manifest = Changed(create.Manifest, m => m.Object("spec")["ttlSecondsAfterFinished"] = ttl) }
            : action)),
        new("a lifetime is forgotten", "seed 5", Reading(static run => run with { TtlSecondsAfterFinished = null })),

        // Workers.
        new("a restart takes healthy workers along", "seed 24", Plans(static (seen, plan) => plan.Counters.Contains(PlanCounter.JobsRestarted)
            ? plan with { Actions = [.. plan.Actions, .. seen.Workers.Where(static w => w is { Phase: PodPhase.Running, Meta.Deleting: false }).Select(w => Removal(seen, w, "starts anew"))] }
            : plan)),
        new("the last worker is forgotten", "seed 1", Action(static (seen, action) => action is PlanAction.Create { Kind.Kind: "Pod", Manifest: var pod } && seen.Parsed is ParseResult.Run { Value.Workers.Count: var count and > 1 }
            && pod["metadata"]!["name"]!.GetValue<string>() == seen.Dialect.Profile(seen.Job.Meta).Worker(count - 1) ? null : action)),
        new("a job that is scaled down loses its first workers", "scaled down before its launcher starts", Action(static (seen, action) => action is PlanAction.Delete { Kind.Kind: "Pod", Why: "scaled down", Key.Name: var last }
            && seen.Parsed is ParseResult.Run { Value.Workers.Count: var count } && seen.Dialect.Profile(seen.Job.Meta) is var names && names.WorkerIndex(last) - count is { } index
            && seen.Workers.FirstOrDefault(w => w.Meta.Name == names.Worker(index)) is { } first ? Removal(seen, first, "scaled down") : action)),

        // Clean-up.
        new("policy None cleans up as Running does", "seed 9", Reading(static run => run.Cleanup == CleanPodPolicy.None ? run with { Cleanup = CleanPodPolicy.Running } : run)),
        new("policy Running cleans up as None does", "seed 1", Reading(static run => run.Cleanup == CleanPodPolicy.Running ? run with { Cleanup = CleanPodPolicy.None } : run)),
        new("policy Running cleans up as All does", "a worker ends minutes before the launcher, under policy Running", Reading(static run => run.Cleanup == CleanPodPolicy.Running ? run with { Cleanup = CleanPodPolicy.All } : run)),
        new("policy All cleans up as Running does", "a worker ends before the launcher, under policy All", Reading(static run => run.Cleanup == CleanPodPolicy.All ? run with { Cleanup = CleanPodPolicy.Running } : run)),

        // Suspension.
        new("suspending leaves the launcher", "seed 16", Action(static (_, action) => action is PlanAction.Patch { Kind.Kind: "Job", MergePatch: var patch } && patch["spec"]?["suspend"]?.GetValue<bool>() == true ? null : action)),
        new("suspending is not said", "seed 26", Report(static (_, report) => report with { Suspended = null })),
        new("a resumed launcher keeps its old start", "seed 43", Action(static (_, action) => action is PlanAction.Patch { Kind.Kind: "Job", Subresource: "status" } ? null : action)),

        // Hosts.
        new("the host list lacks the last host", "seed 1", Hosts(static hosts => hosts[..^1])),
        new("the host list names one host too many", "seed 1", Hosts(static hosts => [.. hosts, hosts[^1].Replace("worker-", "worker-1", StringComparison.Ordinal)])),
        new("the host list has another order", "seed 1", Hosts(static hosts => hosts.Reverse())),
        new("the host list does not follow the workers", "seed 22", Action(static (_, action) => action is PlanAction.Patch { Kind.Kind: "ConfigMap" } ? null : action)),

        // Gangs.
        new("a gang waits for one pod more than there is", "seed 1", Action(static (_, action) => action switch
        {
            PlanAction.Create { Kind.Kind: "PodGroup" } create => create with { Manifest = Changed(create.Manifest, static m => m.Object("spec")["minMember"] = m["spec"]!["minMember"]!.GetValue<int>() + 1) },
            PlanAction.Patch { Kind.Kind: "PodGroup" } => null,
            _ => action,
        })),
        new("a gang's place is never given back", "seed 1", Action(static (_, action) => action is PlanAction.Delete { Kind.Kind: "PodGroup" } ? null : action)),
        new("a gang's group is made after its pods", "seed 1", Plans(static (_, plan) => plan with { Actions = [.. plan.Actions.OrderBy(static a => a is PlanAction.Create { Kind.Kind: "PodGroup" })] })),

        // Invalid specs.
        new("an invalid spec stops what runs", "seed 35", Plans(static (seen, plan) => seen is { Parsed: ParseResult.Rejected, Launcher: { Meta.Deleting: false } launcher }
            ? plan with { Actions = plan.Actions.Add(new PlanAction.Delete(Kinds.Job, new ObjectKey(seen.Job.Meta.Namespace, launcher.Meta.Name), launcher.Meta.Uid, "invalid", "Background")) }
            : plan)),
        new("an invalid spec is passed over for the last valid one", "seed 45", Rules(static decide =>
        {
            ParseResult? last = null;
            return seen =>
            {
                if (seen.Parsed is ParseResult.Run) last = seen.Parsed;
                return decide(last is null ? seen : seen with { Parsed = last });
            };
        })),

        // Whose what is.
        new("nobody asks whose an object is", "seed 70", Sight(static seen => seen with
        {
            Service = seen.Service is { } service ? service with { Meta = Adopted(seen, service.Meta) } : null,
            Launcher = seen.Launcher is { } launcher ? launcher with { Meta = Adopted(seen, launcher.Meta) } : null,
            Workers = [.. seen.Workers.Select(w => w with { Meta = Adopted(seen, w.Meta) })],
        })),
        new("whoever has a worker's name goes with the workers", "suspended while a stranger has a worker's name", Plans(static (seen, plan) => seen.Parsed is ParseResult.Run { Value.Suspended: true } || plan.Actions.Any(static a => a is PlanAction.DeletePods or PlanAction.Delete { Kind.Kind: "Pod" })
            ? plan with { Actions = [.. plan.Actions, .. seen.Workers.Where(w => w.Meta.OwnerUid.Length == 0 && !w.Meta.Deleting).Select(w => Removal(seen, w, "has a worker's name"))] }
            : plan)),
        new("a child has no owner", "seed 1", Action(static (_, action) => action is PlanAction.Create { Kind.Kind: "Service" } create ? create with { Manifest = Changed(create.Manifest, static m => m.Object("metadata").Remove("ownerReferences")) } : action)),
        new("pods are selected by names and not by uid", "seed 1", Action(static (_, action) => action is PlanAction.DeletePods delete ? delete with { LabelSelector = string.Join(',', delete.LabelSelector.Split(',').Skip(1)) } : action)),

        // Requests and answers.
        new("a conflict is taken for success", "seed 26", Client(static client => new MistakenClient(client)
        {
            Patched = (send, kind, key) => InsteadOf([409], send, async () => (await client.ListAsync(kind, key.Namespace, new ListOptions(), CancellationToken.None)).Items.Single(o => o.Meta.Name == key.Name)),
        })),
        new("an object that is there already is taken for one's own", "seed 60", Client(static client => new MistakenClient(client)
        {
            Create = (send, kind, made) => kind == Kinds.Secret || kind == Kinds.ConfigMap ? InsteadOf([409], send, () => Task.FromResult(made)) : send(),
        })),
        new("a deletion that was refused is taken for done", "409 at write 14", Client(static client => new MistakenClient(client)
        {
            Delete = async (send, _) =>
            {
                try
                {
                    await send();
                }
                catch (ApiException)
                {
                    // "It will be gone."
                }
            },
        })),
        new("a creation that was refused is taken for done", "403 at write 8", Client(static client => new MistakenClient(client)
        {
            Create = static (send, _, made) => InsteadOf([403, 422], send, () => Task.FromResult(made)),
        })),
        new("a patch names no version that it was decided on", "seed 1", Client(static client => new MistakenClient(client) { Body = Unconditional })),
        new("a deletion names no uid", "seed 1", Client(static client => new MistakenClient(client) { How = static options => options with { Uid = null } })),
        new("what no watch shows is not there", "the leader dies, and the standby has yet to hear of the launcher", Rules(static decide => seen =>
        {
            var plan = decide(seen);
            return plan.Confirm.IsEmpty ? plan : decide(seen with { ConfirmedAbsent = seen.ConfirmedAbsent.Union(plan.Confirm) });
        })),

        // The lease.
        // Neither the deadline nor who holds it now keeps it from writing.
        new("a lease that could not be renewed is held on to", "nobody reaches the lease when the launcher ends", Client(static client => new MistakenClient(client)
        {
            Update = static async (send, kind, lease) =>
            {
                try
                {
                    return await send();
                }
                catch (Exception trouble) when (kind == Kinds.Lease && trouble is ApiException or HttpRequestException)
                {
                    return lease;
                }
            },
        })),
        new("a lease is taken over without waiting for its end", "seed 9", Client(static client => new MistakenClient(client)
        {
            Read = static read => read.Kind == Kinds.Lease.Kind ? KubeObject.From(Changed(read.ToTree(), static lease => lease.Object("spec")["leaseDurationSeconds"] = 0)) : read,
        })),
    ];

    private static PlanAction.Delete Removal(ObservedRun seen, PodView pod, string why) => new(Kinds.Pod, new ObjectKey(seen.Job.Meta.Namespace, pod.Meta.Name), pod.Meta.Uid, why);

    private static ChildMeta Adopted(ObservedRun seen, ChildMeta meta) => meta with { OwnerUid = seen.Job.Meta.Uid };

    private static JsonObject AsEvent(ObservedRun seen, PlanEvent news, int number) => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Event",
        ["metadata"] = new JsonObject { ["name"] = $"{seen.Job.Meta.Name}.{seen.Now.Ticks}.{number}", ["namespace"] = seen.Job.Meta.Namespace },
        ["involvedObject"] = new JsonObject { ["apiVersion"] = seen.Job.ApiVersion, ["kind"] = seen.Job.Kind, ["namespace"] = seen.Job.Meta.Namespace, ["name"] = seen.Job.Meta.Name, ["uid"] = seen.Job.Meta.Uid },
        ["type"] = news.Type,
        ["reason"] = news.Reason,
        ["message"] = news.Message,
        ["count"] = 1,
    };

    /// <summary>Without its preconditions.</summary>
    private static Patch Unconditional(Patch patch)
    {
        switch (JsonNode.Parse(patch.Body.Span))
        {
            case JsonObject merge:
                (merge["metadata"] as JsonObject)?.Remove("resourceVersion");
                return patch with { Body = merge.ToUtf8() };
            case JsonArray steps:
                steps.RemoveAll(static step => step!["path"]!.GetValue<string>() == "/metadata/resourceVersion");
                return patch with { Body = steps.ToUtf8() };
            default:
                return patch;
        }
    }

    private static async Task<KubeObject> InsteadOf(int[] codes, Func<Task<KubeObject>> send, Func<Task<KubeObject>> mistake)
    {
        try
        {
            return await send();
        }
        catch (ApiException refused) when (codes.Contains(refused.Status.Code))
        {
            return await mistake();
        }
    }
}
