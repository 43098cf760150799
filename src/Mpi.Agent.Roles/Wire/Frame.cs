namespace Mpi.Agent.Roles;

/// <summary>What a frame says. Numbers are the wire's and stay.</summary>
public enum FrameType : byte
{
    /// <summary>Both sides' first frame: <see cref="Hello"/>.</summary>
    Hello = 1,

    /// <summary>Eight bytes that a <see cref="Pong"/> returns.</summary>
    Ping = 2,
    Pong = 3,

    /// <summary>Launcher to worker, begins a session: <see cref="StartRequest"/>.</summary>
    Start = 4,

    /// <summary>Bytes of a stream: its number, then the bytes.</summary>
    Data = 5,

    /// <summary>A stream has ended: its number.</summary>
    End = 6,

    /// <summary>The receiver of a stream has used up bytes and takes as many more: its number, then the count.</summary>
    Credit = 7,

    /// <summary>Launcher to worker: the number of a signal for the session's process.</summary>
    Signal = 8,

    /// <summary>Worker to launcher, ends a session: exit code and signal.</summary>
    Exit = 9,

    /// <summary>Ends a session that could not start or was lost: why, in words.</summary>
    Refused = 10,

    /// <summary>Launcher to worker, ends a session: nobody waits for it any more, its processes end.</summary>
    Close = 11,

    /// <summary>The connection ends on purpose: a <see cref="Farewell"/>.</summary>
    Bye = 12,

    /// <summary>Remote-shell program to daemon, on the launcher's own socket alone: the host that is called.</summary>
    Open = 13,

    /// <summary>Daemon to remote-shell program: the address under which the worker reached the launcher.</summary>
    Opened = 14,
}

/// <summary>Why a connection ends on purpose.</summary>
public enum Farewell : byte
{
    /// <summary>The gate has opened: the launcher's own process will listen in a moment.</summary>
    GateOpened = 1,

    /// <summary>The other side has a newer connection, or knows a newer launcher.</summary>
    Superseded = 2,

    /// <summary>The job's command has ended, and with it the part of a worker that is a member: it ends too, and well.</summary>
    Finished = 3,
}

/// <summary>The streams of a session, numbered as its process numbers them.</summary>
public enum SessionStream : byte { Input = 0, Output = 1, Error = 2 }

/// <param name="Session">0 for the connection itself.</param>
public readonly record struct Frame(FrameType Type, uint Session, ReadOnlyMemory<byte> Payload)
{
    public static Frame Of(FrameType type, uint session = 0) => new(type, session, default);
}

/// <summary>The other side broke the protocol; the connection is of no more use.</summary>
public sealed class ProtocolException(string message) : IOException(message);
