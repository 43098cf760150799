using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Decides what a StatefulSet needs. Pure. In reading order: count what there is, bring up what is missing in the order of
/// ordinals, take down what is too much from the top, then exchange what has an old template, from the top too. With the policy
/// OrderedReady each stage stops at the first pod that is not ready; with Parallel none waits for another.
/// </summary>
public static class StatefulSetPlanner
{
    public static StatefulSetPlan Plan(ObservedStatefulSet seen)
    {
        var set = seen.Set;
        var revisions = Revisions.Plan(set, seen.Revisions, seen.Pods);
        var pods = new SortedDictionary<int, PodView>();
        foreach (var pod in seen.Pods)
        {
            if (StatefulPods.OrdinalOf(set, pod.Meta.Name) is { } ordinal) pods[ordinal] = pod;
        }

        var draft = new Draft(seen, revisions, pods);
        if (set.Meta.DeletionTimestamp is null && draft.BringUp() && draft.TakeDown() && !set.UpdatesOnDelete) draft.Exchange();
        return new StatefulSetPlan
        {
            Revisions = revisions,
            Reown = set.Meta.DeletionTimestamp is null ? ClaimOwnership.Plan(seen, pods) : [],
            CreateClaims = [.. draft.Claims],
            Create = [.. draft.Create],
            Delete = [.. draft.Delete],
            Status = Status(seen, revisions, pods.Values, draft),
            Again = seen.Pods.NextAvailable(set.MinReady, seen.Now),
        };
    }

    /// <summary>The decisions of one plan as they come together.</summary>
    private sealed class Draft(ObservedStatefulSet seen, RevisionPlan revisions, SortedDictionary<int, PodView> pods)
    {
        private readonly StatefulSetView _set = seen.Set;

        public List<NewClaim> Claims { get; } = [];
        public List<NewPod> Create { get; } = [];
        public List<DoomedPod> Delete { get; } = [];

        /// <summary>False where a later stage has to wait.</summary>
        public bool BringUp()
        {
            for (var ordinal = _set.Start; ordinal < _set.Start + _set.Replicas; ordinal++)
            {
                var pod = pods.GetValueOrDefault(ordinal);
                if (pod is { IsFinished: true })
                {
                    // A pod of a set is never done: what has ended makes room for its successor.
                    if (!pod.IsTerminating) Delete.Add(new DoomedPod(pod, Recreating(pod)));
                    if (!_set.IsParallel) return false;
                    continue;
                }

                if (pod is null)
                {
                    if (!AddClaims(ordinal)) return false;
                    Create.Add(NewPod(ordinal));
                    if (!_set.IsParallel) return false;
                    continue;
                }

                if (pod.Phase == "Pending" && !pod.IsTerminating) AddClaims(ordinal);
                if (!_set.IsParallel && (pod.IsTerminating || !IsAvailable(pod))) return false;
            }

            return true;
        }

        public bool TakeDown()
        {
            var condemned = pods.Where(p => !_set.Wants(p.Key)).Reverse().Select(static p => p.Value).ToList();
            var firstUnhealthy = pods.Values.FirstOrDefault(p => !IsHealthy(p));
            foreach (var pod in condemned)
            {
                if (pod.IsTerminating)
                {
                    if (!_set.IsParallel) return false;
                    continue;
                }

                // An unhealthy pod below holds the scale-down up; the lowest unhealthy one itself may go.
                if (!_set.IsParallel && !IsAvailable(pod) && pod != firstUnhealthy) return false;
                Delete.Add(new DoomedPod(pod));
                if (!_set.IsParallel) return false;
            }

            return true;
        }

        public void Exchange()
        {
            var unavailable = 0;
            for (var ordinal = _set.Start + _set.Replicas - 1; ordinal >= _set.Start + _set.Partition && unavailable < _set.MaxUnavailable; ordinal--)
            {
                if (!pods.TryGetValue(ordinal, out var pod))
                {
                    unavailable++;
                    continue;
                }

                if (StatefulPods.RevisionOf(pod) != revisions.Update && !pod.IsTerminating && !Delete.Exists(d => d.Pod == pod)) Delete.Add(new DoomedPod(pod));
                else if (IsAvailable(pod) && !pod.IsTerminating) continue;
                unavailable++;
            }
        }

        private bool IsHealthy(PodView pod) => pod is { IsReady: true, Phase: "Running", IsTerminating: false };

        private bool IsAvailable(PodView pod) => pod.Phase == "Running" && pod.IsAvailable(_set.MinReady, seen.Now);

        private NewPod NewPod(int ordinal)
        {
            var keepsCurrent = !_set.UpdatesOnDelete && ordinal < _set.Start + _set.Partition;
            return new NewPod(StatefulPods.NameOf(_set, ordinal), keepsCurrent
                ? StatefulPods.Build(_set, ordinal, revisions.CurrentTemplate, revisions.Current)
                : StatefulPods.Build(_set, ordinal, _set.Template, revisions.Update));
        }

        /// <summary>False while a claim of a pod's predecessor is still on its way out.</summary>
        private bool AddClaims(int ordinal)
        {
            foreach (var (name, template) in StatefulPods.Claims(_set, ordinal))
            {
                if (seen.FindClaim(name) is not { } claim) Claims.Add(new NewClaim(name, StatefulPods.NameOf(_set, ordinal), StatefulPods.BuildClaim(_set, name, template)));
                else if (claim.Meta.DeletionTimestamp is not null) return false;
            }

            return true;
        }

        private (string, string, string) Recreating(PodView pod) => pod.Phase == "Failed"
            ? ("Warning", "RecreatingFailedPod", $"StatefulSet {_set.Meta.Key} is recreating failed Pod {pod.Meta.Name}")
            : ("Normal", "RecreatingTerminatedPod", $"StatefulSet {_set.Meta.Key} is recreating terminated Pod {pod.Meta.Name}");
    }

    private static JsonObject Status(ObservedStatefulSet seen, RevisionPlan revisions, IEnumerable<PodView> pods, Draft draft)
    {
        var set = seen.Set;
        var (replicas, ready, available, current, updated) = (0, 0, 0, 0, 0);
        void Count(string revision, int by)
        {
            if (revision == revisions.Current) current += by;
            if (revision == revisions.Update) updated += by;
        }

        foreach (var pod in pods)
        {
            replicas++;
            if (pod is { Phase: "Running", IsReady: true })
            {
                ready++;
                if (pod.IsAvailable(set.MinReady, seen.Now)) available++;
            }

            if (!pod.IsTerminating) Count(StatefulPods.RevisionOf(pod), 1);
        }

        foreach (var pod in draft.Create)
        {
            replicas++;
            Count((string?)pod.Tree["metadata"]!["labels"]![StatefulPods.RevisionLabel] ?? "", 1);
        }

        foreach (var doomed in draft.Delete)
        {
            if (doomed.News is not null) replicas--;
            Count(StatefulPods.RevisionOf(doomed.Pod), -1);
        }

        // The roll-out is over: what was the update is what is current.
        var isRolledOut = !set.UpdatesOnDelete && updated == replicas && ready == replicas && updated == set.Replicas;
        var status = set.Status.ToTree() as JsonObject ?? [];
        status["observedGeneration"] = set.Meta.Generation;
        status["replicas"] = replicas;
        status.SetUnlessZero("readyReplicas", ready);
        status.SetUnlessZero("currentReplicas", isRolledOut ? updated : current);
        status.SetUnlessZero("updatedReplicas", updated);
        status["availableReplicas"] = available;
        status["currentRevision"] = isRolledOut ? revisions.Update : revisions.Current;
        status["updateRevision"] = revisions.Update;
        status["collisionCount"] = (int)(set.Status.Integer("collisionCount") ?? 0);
        return status;
    }
}
