using System.Collections.Immutable;

namespace Mpi.Agent.Roles;

/// <summary>Starts on a worker what its launcher asks for; in a simulation, what stands for it.</summary>
internal interface IPrograms
{
    /// <param name="post">Takes what the program has to say to whoever called, its end last.</param>
    /// <exception cref="IOException">It does not start.</exception>
    IProgram Start(uint session, StartRequest request, Action<Frame> post);

    /// <summary>Ends all that was ever started here, be it a daemon that left its session.</summary>
    Task EndAllAsync();
}

/// <summary>One program that a launcher asked for.</summary>
internal interface IProgram
{
    /// <summary>Ends when the program has ended and all that it had to say is posted.</summary>
    Task Ended { get; }

    /// <exception cref="ProtocolException">More than its credit.</exception>
    void TakeInput(ReadOnlyMemory<byte> bytes);

    void EndInput();

    void TakeCredit(SessionStream stream, int count);

    void Signal(int signal);

    /// <summary>Nobody waits for it any more: it and all that it started end.</summary>
    Task KillAsync();
}

/// <summary>The programs of the worker's own image, as processes beside the agent.</summary>
internal sealed class Programs(Children children, ImmutableArray<string> environment, TimeProvider time) : IPrograms
{
    public IProgram Start(uint session, StartRequest request, Action<Frame> post) => RemoteProcess.Start(session, request, children, environment, post, time);

    public Task EndAllAsync() => children.OwnsProcess ? ProcessTree.EndAsync(Environment.ProcessId, time) : Task.CompletedTask;
}
