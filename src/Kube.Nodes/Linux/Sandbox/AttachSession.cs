namespace Kube.Nodes.Linux;

/// <summary>A container's own standard streams, from the moment of joining on. Any number of sessions join one container.</summary>
internal sealed class AttachSession : ContainerSession
{
    private readonly RunningContainer _container;

    /// <param name="input">Whether there will be input; a container that takes none is not given any.</param>
    public AttachSession(RunningContainer container, bool input)
    {
        _container = container;
        Input = input ? container.JoinInput() : Stream.Null;
        Output = container.Output.Listen();
        Error = container.Error.Listen();
        Ended = container.Ended.ContinueWith(static _ => 0, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public override Stream Input { get; }
    public override Stream Output { get; }
    public override Stream Error { get; }

    /// <summary>Completes with 0 at the container's end, as the kubelet has it: how it ended stands in the pod's status.</summary>
    public override Task<int> Ended { get; }

    public override void Resize(TerminalSize size) => _container.Resize(size);

    public override async ValueTask DisposeAsync()
    {
        await Input.DisposeAsync();
        await Output.DisposeAsync();
        await Error.DisposeAsync();
    }
}
