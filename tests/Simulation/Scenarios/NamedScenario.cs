using System.Collections.Immutable;
using Kube.Testing;
using Mpi.Model;

namespace Simulation;

/// <summary>A world that is played beside the drawn ones, because none of the first seeds meets the like of it.</summary>
internal sealed record NamedScenario(string Name, Scenario Scenario)
{
    public static ImmutableArray<NamedScenario> All { get; } =
    [
        new("a second attempt after a failure", Kubeflow with { BackoffLimit = 2, Mishaps = [new Mishap.PodMeets(false, 2, Fate.AnOwnFailure, 5)] }),
        new("scaled down before its launcher starts", Kubeflow with { Workers = 3, Mishaps = [new Mishap.PodMeets(false, 3, Fate.ASlowStart, 0), new Mishap.UserDoes(new Deed.Scales(1), 0, 20)] }),
        new("suspended while a stranger has a worker's name", Kubeflow with { Mishaps = [new Mishap.NameIsTaken(TakenName.Worker, null), new Mishap.UserDoes(new Deed.Suspends(), 0, 20)] }),
        new("a worker ends minutes before the launcher, under policy Running", Kubeflow with
        {
            RestartsInPlace = true,
            Mishaps = [new Mishap.PodMeets(false, 2, Fate.AnEarlyEnd, 15), .. Enumerable.Repeat(new Mishap.PodMeets(true, 1, Fate.AnOwnFailure, 10), 5)],
        }),
        new("a worker ends before the launcher, under policy All", Kubeflow with { Cleanup = CleanPodPolicy.All, Mishaps = [new Mishap.PodMeets(false, 2, Fate.AnEarlyEnd, 15)] }),
        new("nobody reaches the lease when the launcher ends", Kubeflow with { Candidates = 2, Mishaps = [new Mishap.LeaseOutOfReach(10, 30)] }),
        // Neither hears of the Job for a minute; the one that made it knows all the same.
        new("the leader dies, and the standby has yet to hear of the launcher", Kubeflow with
        {
            Candidates = 2,
            Mishaps = [new Mishap.CrashAfter(9), new Mishap.EventFails("jobs", 1, new WatchFault.Delay(Minute)), new Mishap.EventFails("jobs", 2, new WatchFault.Delay(Minute))],
        }),
        new("a launcher is deleted of which only a dead operator knew", Kubeflow with { Mishaps = [new Mishap.CrashAfter(8), new Mishap.UserDoes(new Deed.DeletesTheLauncherJob(), 8, 0)] }),
    ];

    private static TimeSpan Minute => TimeSpan.FromMinutes(1);

    private static Scenario Kubeflow => new(1) { Subject = Subject.All[0] };
}
