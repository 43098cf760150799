using Kube.Nodes.Virtual;
using Mpi.Planning;
using PodView = Kube.Types.PodView;

namespace Simulation;

/// <summary>What the pods of a scenario's job do, and what befalls which of them.</summary>
/// <param name="agents">Whoever decides in pods that do more than pretend; null where none does.</param>
internal sealed class PretendingPods(Scenario scenario, Action<Mishap> happened, Func<AgentPods?> agents)
{
    private static readonly TimeSpan RunTime = TimeSpan.FromSeconds(20);

    private static readonly PodScript Launcher = PodScript.RunsFor(RunTime) with { StartDelay = TimeSpan.FromSeconds(1), InitTime = TimeSpan.FromMilliseconds(500) };
    private static readonly PodScript Worker = PodScript.RunsForever with { StartDelay = TimeSpan.FromSeconds(2) };

    // Such a worker is told of its launcher's end.
    private static readonly PodScript Index = PodScript.RunsFor(RunTime + TimeSpan.FromSeconds(6)) with { StartDelay = TimeSpan.FromSeconds(2) };

    private int _launchers;
    private int _workers;

    public PodScript? ScriptOf(PodView pod)
    {
        if (pod.Meta.Controller is null || IsLauncher(pod) is not { } launcher) return null;
        var number = launcher ? ++_launchers : ++_workers;
        var script = launcher ? Launcher : pod.Meta.Annotations.ContainsKey(PlanningNames.CompletionIndex) ? Index : Worker;
        script = agents()?.Script(pod, launcher, script) ?? script;
        foreach (var mishap in scenario.Mishaps.OfType<Mishap.PodMeets>().Where(m => m.Launcher == launcher && m.Number == number))
        {
            happened(mishap);
            script = script.Befall(mishap.Fate, TimeSpan.FromSeconds(mishap.After));
        }

        return script;
    }

    /// <summary>By the labels of any dialect; null for a pod of nobody's.</summary>
    private static bool? IsLauncher(PodView pod)
    {
        var role = pod.Meta.Labels.GetValueOrDefault("training.kubeflow.org/job-role") ?? pod.Meta.Labels.GetValueOrDefault("mpi_role_type");
        if (role is not null) return role == "launcher";
        return pod.Meta.Labels.GetValueOrDefault("job-type") == "mpi-job" ? pod.Meta.Annotations.GetValueOrDefault(PlanningNames.CompletionIndex) == "0" : null;
    }
}
