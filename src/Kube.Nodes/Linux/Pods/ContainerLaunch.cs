using Kube.Nodes.Images;

namespace Kube.Nodes.Linux;

/// <summary>Takes a run from its image to its running command. Goes on beside the node's loop: a stand-in's build may take a while.</summary>
internal sealed class ContainerLaunch(LocalPod pod)
{
    /// <summary>How long the last output of a command that has ended may take to arrive.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);

    /// <summary>Never fails: what goes wrong is the result.</summary>
    public async Task<RunStart> BeginAsync(ContainerRun run, ContainerView view)
    {
        try
        {
            var image = pod.Node.Preparation.Resolve(view.Image);
            if (!image.HasStandIn) pod.Node.SayWithoutStandIn(view.Image);
            var spec = await pod.Node.Preparation.PrepareAsync(pod, view, image, run.Folder, run.Stopping);
            pod.Event(view, "Normal", "Pulled", $"Container image \"{view.Image}\" already present on machine");
            run.Stopping.ThrowIfCancellationRequested();
            run.Group = pod.Node.Groups.Create(pod.Meta.Uid, run.Id, ResourceLimits.Of(pod.Spec, pod.Node.Options.PodPidsLimit), ResourceLimits.Of(view));
            run.Container = RunningContainer.Start(pod.Sandbox!, spec with { Group = run.Group }, run.Folder, run.Log);
            pod.Event(view, "Normal", "Created", $"Created container: {view.Name}");
            switch (await run.Container.Started)
            {
                case ContainerStart.Refused { ByCommand: false } refused:
                    return new RunStart.Hindered("CreateContainerError", refused.Message);
                case ContainerStart.Refused refused:
                    return new RunStart.Refused(refused.Message);
            }

            pod.Event(view, "Normal", "Started", $"Started container {view.Name}");
            return await PostStartAsync(run, view);
        }
        catch (OperationCanceledException)
        {
            return new RunStart.Hindered("ContainerCreating", "the pod is stopped");
        }
        catch (Exception failed) when (failed is ImageException or MissingReferenceException or SandboxException or IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception or FormatException)
        {
            return RunStart.From(failed);
        }
    }

    /// <summary>The container counts as running only once the hook is done; the container's end ends the hook.</summary>
    private async Task<RunStart> PostStartAsync(ContainerRun run, ContainerView view)
    {
        if (view.PostStart is not { } hook) return new RunStart.Running();
        var running = run.Container!;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(run.Stopping);
        var outcome = LifecycleHook.RunAsync(hook, view, running, pod.Node, Timeout.InfiniteTimeSpan, over.Token);
        if (await Task.WhenAny(outcome, running.Ended) != outcome) await over.CancelAsync();
        if (await outcome is not { } failure) return new RunStart.Running();
        // A container that ends by itself ends its hook, which then fails a moment before the end is known.
        if (!running.HasCommand) await Task.WhenAny(running.Ended, Task.Delay(EndLimit, pod.Node.Time, CancellationToken.None));
        if (running.Ended.IsCompleted) return new RunStart.Running();
        // The hook's own words may hold secrets, and events are read by more people than pods are: the kubelet leaves them out, too.
        pod.Event(view, "Warning", "FailedPostStartHook", "PostStartHook failed");
        return new RunStart.HookFailed(failure);
    }
}
