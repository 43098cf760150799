using System.Collections.Concurrent;

namespace Mpi.Agent.Roles;

/// <summary>The sessions of one connection on the worker's side. They end with it.</summary>
internal sealed class WorkerSessions(AgentLink link, IPrograms programs)
{
    /// <summary>A launcher has one daemon a worker; several for several mpirun at once.</summary>
    private const int Most = 64;

    private readonly ConcurrentDictionary<uint, IProgram> _running = new();
    private readonly ConcurrentDictionary<Task, bool> _ending = new();

    /// <summary>What the launcher said in farewell; null when the connection broke.</summary>
    public Farewell? Farewell { get; private set; }

    public void Take(Frame frame)
    {
        if (frame.Type == FrameType.Bye)
        {
            Farewell = Messages.ReadBye(frame);
        }
        else if (frame.Type == FrameType.Start)
        {
            Start(frame);
        }
        else if (_running.TryGetValue(frame.Session, out var program))
        {
            Pass(program, frame);
        }

        // Else a session that has just ended here: what was still under way to it has no meaning.
    }

    private void Start(Frame frame)
    {
        var request = StartRequest.Read(frame);
        var session = frame.Session;
        if (_running.ContainsKey(session)) throw new ProtocolException($"session {session} begins twice");
        if (_running.Count >= Most)
        {
            link.Post(Messages.Refused(session, $"{Most} programs run here already"));
            return;
        }

        try
        {
            var program = programs.Start(session, request, frame => link.Post(frame));
            _running[session] = program;
            _ = ForgetAsync(session, program);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            link.Post(Messages.Refused(session, fault.Message));
        }
    }

    private async Task ForgetAsync(uint session, IProgram program)
    {
        await program.Ended;
        _running.TryRemove(session, out _);
    }

    private void Pass(IProgram program, Frame frame)
    {
        switch (frame.Type)
        {
            case FrameType.Data when Messages.ReadData(frame) is (SessionStream.Input, var bytes):
                program.TakeInput(bytes);
                break;
            case FrameType.End when Messages.ReadEnd(frame) == SessionStream.Input:
                program.EndInput();
                break;
            case FrameType.Credit when Messages.ReadCredit(frame) is (not SessionStream.Input and var stream, var count):
                program.TakeCredit(stream, count);
                break;
            case FrameType.Signal:
                program.Signal(Messages.ReadSignal(frame));
                break;
            case FrameType.Close:
                var ending = program.KillAsync();
                _ending.TryAdd(ending, true);
                break;
            default:
                throw new ProtocolException($"{frame.Type} for a session");
        }
    }

    /// <summary>
    /// The connection is gone: nothing that its launcher started outlives it, be it a daemon that left its session.
    /// </summary>
    public async Task EndAllAsync()
    {
        await Task.WhenAll([.. _running.Values.Select(static p => p.KillAsync()), .. _ending.Keys]);
        await programs.EndAllAsync();
    }
}
