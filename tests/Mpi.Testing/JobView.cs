using System.Globalization;
using Kube.Types;
using Mpi.Model;
using Mpi.Planning;
using PodView = Kube.Types.PodView;

namespace Mpi.Testing;

/// <summary>One job object from its creation on: what it asks for, what is recorded in it, and its pods.</summary>
public sealed class JobView(IDialect dialect, KubeObject job, DateTimeOffset at)
{
    private readonly SortedDictionary<string, MemberPod> _pods = new(StringComparer.Ordinal);
    private RecordedRun? _recorded;
    private ParseResult? _parsed;

    // What it asked for when that was last valid: its pods keep their parts while a user spoils its spec.
    private MpiRun? _standing;

    // The end of time while all its workers run; null as long as they never did.
    private DateTimeOffset? _completeUntil;

    // The same of their being ready.
    private DateTimeOffset? _readyUntil;

    // How many workers were wanted, each until the next; none while the job was to be suspended. What an invalid spec says is nobody's wish.
    private readonly List<(DateTimeOffset From, int Count)> _wanted = [];

    public IDialect Dialect => dialect;

    /// <summary>As it stands, or stood last.</summary>
    public KubeObject Object { get; private set; } = job;

    public string Uid => Object.Meta.Uid;
    public bool IsGone { get; private set; }
    public RunProfile Profile { get; } = dialect.Profile(job.Meta);

    /// <summary>What is recorded in its status.</summary>
    public RecordedRun Recorded => _recorded ??= dialect.Status.Read(Object.Root.At("status"));

    /// <summary>What its spec asks for; null while that is invalid, or another controller's.</summary>
    public MpiRun? Run => (Parsed as ParseResult.Run)?.Value;

    /// <summary>Another controller's, which the operator leaves alone altogether.</summary>
    public bool IsElsewhere => Parsed is ParseResult.ManagedElsewhere;

    /// <summary>Its spec is invalid: by itself, or because it was changed where the dialect follows no change.</summary>
    public bool IsInvalid => !IsElsewhere && (Run is not { } run || (Recorded is { Announced: true, Outcome: null, FrozenSpec: { } begun } && run.FrozenSpec is { } now && now != begun));

    public bool IsOver => Recorded.Outcome is not null;

    /// <summary>The workers that a launch needs: as many as the attempt was given, but for those that were left out.</summary>
    public IEnumerable<int> Members => Enumerable.Range(0, Recorded.WorkerCount ?? Run?.Workers.Count ?? 0).Where(i => !Recorded.LeftOut.Contains(Profile.Worker(i)));

    /// <summary>When the user last had a word: its creation, and every change of what it asks for.</summary>
    public DateTimeOffset EditedAt { get; private set; } = at;

    /// <summary>When it was last suspended, asked for or recorded; null for never.</summary>
    public DateTimeOffset? SuspendedAt { get; private set; }

    /// <summary>Whether all its workers run now, or did until a moment ago.</summary>
    public bool WasCompleteWithin(TimeSpan moment, DateTimeOffset now) => IsWithin(_completeUntil, moment, now);

    /// <summary>Whether all its workers are ready now, or were until a moment ago.</summary>
    public bool WasReadyWithin(TimeSpan moment, DateTimeOffset now) => IsWithin(_readyUntil, moment, now);

    /// <summary>The fewest workers that were wanted at any time since a moment ago: by what was seen last one of those beyond may be in excess.</summary>
    public int FewestWantedWithin(TimeSpan moment, DateTimeOffset now) => _wanted.Where((_, i) => i + 1 == _wanted.Count || _wanted[i + 1].From >= now - moment).Select(static w => w.Count).DefaultIfEmpty(0).Min();

    /// <summary>The launcher's Job, as long as it is there.</summary>
    public KubeObject? LauncherJob { get; internal set; }

    public IEnumerable<MemberPod> Launchers => _pods.Values.Where(static p => p.IsLauncher);
    public IEnumerable<MemberPod> Workers => _pods.Values.Where(static p => !p.IsLauncher);

    /// <summary>A pod's part in the job; null for one that has none.</summary>
    public MemberPod? PartOf(KubeObject pod)
    {
        var view = new PodView(pod);
        if (pod.Meta.Annotations.TryGetValue(PlanningNames.CompletionIndex, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && (Run ?? _standing)?.Workers.Form == WorkerForm.JobIndexes)
        {
            return new MemberPod(view, index == 0 ? null : index - 1);
        }

        if (pod.Meta.Controller is { Kind: "Job" } owner && owner.Name == Profile.Launcher) return new MemberPod(view, null);
        return Profile.WorkerIndex(pod.Meta.Name) is { } worker ? new MemberPod(view, worker) : null;
    }

    public override string ToString() => Object.ToString();

    internal void Become(KubeObject? next, DateTimeOffset now)
    {
        if (next is null)
        {
            IsGone = true;
            return;
        }

        if (next.Meta.Generation != Object.Meta.Generation || !SameAnnotations(next, Object))
        {
            EditedAt = now;
            _standing = Run ?? _standing;
            _parsed = null;
        }

        Object = next;
        _recorded = null;
        Want(now);
        Note(now);
    }

    internal void Show(KubeObject pod, bool gone, DateTimeOffset now)
    {
        // By uid: a pod and its successor have one name.
        if (gone) _pods.Remove(pod.Meta.Uid);
        else if (PartOf(pod) is { } member) _pods[pod.Meta.Uid] = member;
        Note(now);
    }

    private ParseResult Parsed => _parsed ??= dialect.Parse(Object.Root);

    private void Want(DateTimeOffset now)
    {
        if (Run is not { } run) return;
        var count = run.Suspended ? 0 : run.Workers.Count;
        if (_wanted.Count == 0 || _wanted[^1].Count != count) _wanted.Add((now, count));
    }

    private void Note(DateTimeOffset now)
    {
        if (Run?.Suspended == true || Recorded.Suspended == true) SuspendedAt = now;
        Extend(ref _completeUntil, static w => w.Pod.Phase == "Running", now);
        Extend(ref _readyUntil, static w => w.Pod.IsReady, now);
    }

    private void Extend(ref DateTimeOffset? until, Func<MemberPod, bool> holds, DateTimeOffset now)
    {
        var held = Workers.Where(holds).Select(static w => w.Worker!.Value).ToHashSet();
        if (Members.All(held.Contains)) until = DateTimeOffset.MaxValue;
        else if (until > now) until = now;
    }

    private static bool IsWithin(DateTimeOffset? until, TimeSpan moment, DateTimeOffset now) => until is { } end && now <= (end == DateTimeOffset.MaxValue ? end : end + moment);

    private static bool SameAnnotations(KubeObject a, KubeObject b) =>
        a.Meta.Annotations.Count == b.Meta.Annotations.Count && a.Meta.Annotations.All(entry => b.Meta.Annotations.TryGetValue(entry.Key, out var value) && value == entry.Value);
}
