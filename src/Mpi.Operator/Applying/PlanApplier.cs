using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;
using Microsoft.Extensions.Logging;
using Mpi.Planning;
using PodView = Mpi.Planning.PodView;

namespace Mpi.Operator;

/// <summary>
/// Carries out a plan: the only place where the operator writes. It decides nothing; what it finds out on the way (a name
/// taken, a creation refused) it reports, and the next plan decides about it.
/// </summary>
/// <param name="mostAtOnce">The most creations or deletions of one job in flight.</param>
public sealed partial class PlanApplier(
    IKubeClient client, IKeySource keys, EventRecorder events, OperatorMetrics metrics, ResourceKind jobKind, int mostAtOnce, ILogger log)
{
    private readonly Ownership _ownership = new(client);

    /// <summary>Never throws but for cancellation and for a lost lease: trouble is part of the outcome.</summary>
    public async Task<ApplyOutcome> ApplyAsync(KubeObject job, Plan plan, CancellationToken cancellation)
    {
        var pass = new Pass(job);

        // 1. The announcement of an attempt, or a result, lands before anything is done about it.
        if (plan.StatusFirst) await TellAsync(pass, plan, cancellation);

        // 2. The actions, in order. Whatever fails ends the plan.
        foreach (var run in RunsOfLike(plan.Actions))
        {
            if (pass.Stopped) break;
            await ApplyRunAsync(pass, run, cancellation);
        }

        // 3. Else the status is written once and last.
        if (!plan.StatusFirst && !pass.Stopped) await TellAsync(pass, plan, cancellation);

        return pass.Outcome();
    }

    /// <summary>Writes the status, and only when it has landed speaks and counts: else each retry would count again.</summary>
    private async Task TellAsync(Pass pass, Plan plan, CancellationToken cancellation)
    {
        if (plan.Status is { } status) await WriteStatusAsync(pass, status, cancellation);
        if (pass.Stopped) return;
        foreach (var counter in plan.Counters) metrics.Add(counter);
        foreach (var news in plan.Events) await events.RecordAsync(pass.Job, news, cancellation);
    }

    /// <summary>Neighbouring creations may run in parallel, and so may neighbouring deletions; everything else stands alone.</summary>
    internal static IEnumerable<ImmutableArray<PlanAction>> RunsOfLike(ImmutableArray<PlanAction> actions)
    {
        for (var start = 0; start < actions.Length;)
        {
            var end = start + 1;
            while (end < actions.Length && Parallel(actions[start]) is { } kind && Parallel(actions[end]) == kind) end++;
            yield return actions[start..end];
            start = end;
        }

        static string? Parallel(PlanAction action) => action switch
        {
            PlanAction.Create { Alone: false } or PlanAction.CreateKeys => "create",
            PlanAction.Delete => "delete",
            _ => null,
        };
    }

    private Task ApplyRunAsync(Pass pass, ImmutableArray<PlanAction> run, CancellationToken cancellation) =>
        SlowStart.RunAsync(run, mostAtOnce, async action =>
        {
            try
            {
                await ApplyOneAsync(pass, action, cancellation);
            }
            catch (Exception trouble) when (IsTrouble(trouble, cancellation))
            {
                LogTrouble(Describe(action), trouble.Message);
                pass.Fail(trouble);
            }

            return !pass.Stopped;
        });

    private async Task ApplyOneAsync(Pass pass, PlanAction action, CancellationToken cancellation)
    {
        switch (action)
        {
            case PlanAction.Create create:
                await CreateAsync(pass, create.Kind, KubeObject.From(create.Manifest), cancellation);
                break;

            case PlanAction.CreateKeys create:
                var secret = (JsonObject)create.SecretWithoutData.DeepClone();
                secret["data"] = NewKeys(create.Keys);
                await CreateAsync(pass, Kinds.Secret, KubeObject.From(secret), cancellation);
                break;

            case PlanAction.ReplaceKeys replace:
                // The whole of data is replaced, so that keys of other names go; a merge patch would leave them.
                var swap = new JsonArray(
                    new JsonObject { ["op"] = "test", ["path"] = "/metadata/resourceVersion", ["value"] = replace.ResourceVersion },
                    new JsonObject { ["op"] = "add", ["path"] = "/data", ["value"] = NewKeys(replace.Keys) });
                pass.Land(Kinds.Secret, replace.Key, await client.PatchAsync(
                    Kinds.Secret, replace.Key.Namespace, replace.Key.Name, Patch.Json(swap), null, cancellation));
                break;

            case PlanAction.Patch patch:
                pass.Land(patch.Kind, patch.Key, await client.PatchAsync(
                    patch.Kind, patch.Key.Namespace, patch.Key.Name, Kube.Client.Patch.Merge(patch.MergePatch), patch.Subresource, cancellation));
                break;

            case PlanAction.Delete delete:
                await DeleteAsync(pass, delete, cancellation);
                break;

            case PlanAction.DeletePods delete:
                await client.DeleteCollectionAsync(
                    Kinds.Pod, delete.Namespace, new ListOptions(delete.LabelSelector, delete.FieldSelector), new DeleteOptions(), cancellation);
                pass.Land(new LandedWrite(Kinds.Pod, new ObjectKey(delete.Namespace, ""), null) { DeletedPods = Meant(pass.Job, delete) });
                break;

            default:
                throw new UnreachableException();
        }
    }

    private async Task CreateAsync(Pass pass, ResourceKind kind, KubeObject manifest, CancellationToken cancellation)
    {
        var key = manifest.Meta.Key;
        try
        {
            pass.Land(kind, key, await client.CreateAsync(kind, manifest, cancellation));
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            // Names are deterministic: this is our own earlier creation (a stale view, an answer that was lost), or
            // somebody else's object, which is never touched.
            switch (await _ownership.LookAsync(kind, key, pass.Job.Meta.Uid, cancellation))
            {
                case Ownership.Finding.Ours { Object.Meta.DeletionTimestamp: null } ours:
                    pass.Land(kind, key, ours.Object);
                    break;
                case Ownership.Finding.Foreign foreign:
                    pass.Meet(new ForeignObject(kind, key, foreign.Object));
                    break;
                default:
                    // Ours but on its way out, or gone since: the name is free soon.
                    throw;
            }
        }
        catch (ApiException e) when (e.Responsibility is Responsibility.User or Responsibility.Administrator)
        {
            pass.Refuse(new RefusedCreation(kind, key, e.Status));
        }
    }

    private async Task DeleteAsync(Pass pass, PlanAction.Delete delete, CancellationToken cancellation)
    {
        try
        {
            await client.DeleteAsync(
                delete.Kind, delete.Key.Namespace, delete.Key.Name, new DeleteOptions(Uid: delete.Uid, Propagation: delete.Propagation), cancellation);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Gone already. A conflict says less: the name may have another incarnation, or the server asks to try again. The next plan finds out.
        }

        pass.Land(new LandedWrite(delete.Kind, delete.Key, null) { DeletedUid = delete.Uid });
    }

    private async Task WriteStatusAsync(Pass pass, JsonObject status, CancellationToken cancellation)
    {
        var job = pass.Job;
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject { ["resourceVersion"] = job.Meta.ResourceVersion },
            ["status"] = MergePatch.Diff(job.Root.At("status").ToTree() as JsonObject ?? [], status),
        };
        try
        {
            pass.Job = await client.PatchAsync(
                jobKind, job.Meta.Namespace, job.Meta.Name, Kube.Client.Patch.Merge(patch), "status", cancellation);
            pass.Land(jobKind, job.Meta.Key, pass.Job);
        }
        catch (Exception trouble) when (IsTrouble(trouble, cancellation))
        {
            LogTrouble("the status", trouble.Message);
            pass.Fail(trouble);
        }
    }

    private JsonObject NewKeys(KeyKind kind)
    {
        var data = new JsonObject();
        foreach (var (name, value) in keys.Create(kind)) data[name] = Convert.ToBase64String(value);
        return data;
    }

    /// <summary>The pods that a deletion of many means, as far as their views tell: the job's own workers in the phases asked for.</summary>
    private static Func<PodView, bool> Meant(KubeObject job, PlanAction.DeletePods delete)
    {
        var fields = delete.FieldSelector.Length == 0 ? FieldSelector.Everything : FieldSelector.Parse(delete.FieldSelector);
        return pod => pod.JobUidLabel == job.Meta.Uid && pod.Meta.OwnerUid == job.Meta.Uid
            && fields.Matches(field => field == "status.phase" ? pod.Phase.ToString() : null);
    }

    private static bool IsTrouble(Exception trouble, CancellationToken cancellation) =>
        trouble is ApiException or HttpRequestException or IOException && !cancellation.IsCancellationRequested;

    private static string Describe(PlanAction action) => action switch
    {
        PlanAction.Create a => $"creation of {a.Kind.Kind} {a.Manifest["metadata"]?["name"]}",
        PlanAction.CreateKeys a => $"creation of Secret {a.SecretWithoutData["metadata"]?["name"]}",
        PlanAction.ReplaceKeys a => $"replacement of the keys in Secret {a.Key}",
        PlanAction.Patch a => $"patch of {a.Kind.Kind} {a.Key}",
        PlanAction.Delete a => $"deletion of {a.Kind.Kind} {a.Key}",
        PlanAction.DeletePods a => $"deletion of pods {a.LabelSelector}",
        _ => throw new UnreachableException(),
    };

    [LoggerMessage(110, LogLevel.Information, "{What} failed: {Trouble}")]
    private partial void LogTrouble(string what, string trouble);

    /// <summary>What has come of the plan so far. Parallel actions report here, so it locks.</summary>
    private sealed class Pass(KubeObject job)
    {
        private readonly Lock _gate = new();
        private readonly List<LandedWrite> _landed = [];
        private readonly List<ForeignObject> _foreign = [];
        private readonly List<RefusedCreation> _refused = [];
        private Exception? _trouble;

        public KubeObject Job { get; set; } = job;

        public bool Stopped
        {
            get { lock (_gate) return _trouble is not null || _foreign.Count > 0 || _refused.Count > 0; }
        }

        public void Land(ResourceKind kind, ObjectKey key, KubeObject result) => Land(new LandedWrite(kind, key, result));

        public void Land(LandedWrite write)
        {
            lock (_gate) _landed.Add(write);
        }

        public void Meet(ForeignObject foreign)
        {
            lock (_gate) _foreign.Add(foreign);
        }

        public void Refuse(RefusedCreation refused)
        {
            lock (_gate) _refused.Add(refused);
        }

        public void Fail(Exception trouble)
        {
            lock (_gate) _trouble ??= trouble;
        }

        public ApplyOutcome Outcome()
        {
            lock (_gate) return new ApplyOutcome { Landed = [.. _landed], Foreign = [.. _foreign], Refused = [.. _refused], Trouble = _trouble };
        }
    }
}
