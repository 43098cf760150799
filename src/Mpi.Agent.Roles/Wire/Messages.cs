using System.Collections.Immutable;
using System.Net;
using System.Text;

namespace Mpi.Agent.Roles;

/// <summary>Who speaks at the other end.</summary>
public enum AgentRole : byte { Worker = 1, Gate = 2, Launcher = 3 }

/// <summary>The first frame of both sides; the worker's comes first.</summary>
/// <param name="Name">The pod's name.</param>
/// <param name="Instance">Chosen at random by each process: tells a restarted one from the one before.</param>
public sealed record Hello(AgentRole Role, string Name, Guid Instance)
{
    private const byte Version = 1;
    private const int InstanceLength = 16;

    public Frame ToFrame() => new PayloadWriter().Byte(Version).Byte((byte)Role).Bytes(Instance.ToByteArray()).Text(Name).ToFrame(FrameType.Hello);

    /// <exception cref="ProtocolException">It is none, or of another version.</exception>
    public static Hello Read(in Frame frame)
    {
        if (frame.Type != FrameType.Hello) throw new ProtocolException($"{frame.Type} where a greeting belongs");
        var payload = new PayloadReader(frame.Payload.Span);
        var version = payload.Byte();
        if (version != Version) throw new ProtocolException($"it speaks version {version} of the protocol, and this agent version {Version}: all pods of a job need the same agent");
        var role = (AgentRole)payload.Byte();
        if (role is < AgentRole.Worker or > AgentRole.Launcher) throw new ProtocolException($"a greeting of role {(byte)role}");
        var instance = new Guid(payload.Bytes(InstanceLength));
        var name = payload.Text();
        if (name.Length is 0 or > 253) throw new ProtocolException("a greeting without a name");
        payload.Done();
        return new Hello(role, name, instance);
    }
}

/// <summary>What to start.</summary>
/// <param name="Words">The program and its arguments; or, for a shell, the words of a command line, to be joined by blanks.</param>
/// <param name="Shell">Whether the words are shell syntax.</param>
/// <param name="Environment"><c>NAME=value</c>, over the worker's own environment.</param>
/// <param name="Directory">Where to start; empty for where the worker's agent was started.</param>
public sealed record StartRequest(ImmutableArray<string> Words, bool Shell, ImmutableArray<string> Environment, string Directory)
{
    public Frame ToFrame(uint session) =>
        new PayloadWriter().Byte(Shell ? (byte)1 : (byte)0).Text(Directory).Texts(Words).Texts(Environment).ToFrame(FrameType.Start, session);

    public static StartRequest Read(in Frame frame)
    {
        var payload = new PayloadReader(frame.Payload.Span);
        var shell = payload.Byte() != 0;
        var directory = payload.Text();
        var request = new StartRequest([.. payload.Texts()], shell, [.. payload.Texts()], directory);
        payload.Done();
        if (request.Words.IsEmpty) throw new ProtocolException("a start without a program");
        if (request.Words.Concat(request.Environment).Append(directory).Any(static text => text.Contains('\0', StringComparison.Ordinal))) throw new ProtocolException("a start with a zero byte");
        return request;
    }
}

/// <summary>How a session's process ended: by itself, or by a signal.</summary>
/// <param name="Signal">0 when it exited by itself.</param>
public readonly record struct SessionEnd(byte Code, byte Signal)
{
    /// <summary>As a shell reports it.</summary>
    public int ExitCode => Signal == 0 ? Code : 128 + Signal;

    public Frame ToFrame(uint session) => new PayloadWriter().Byte(Code).Byte(Signal).ToFrame(FrameType.Exit, session);

    public static SessionEnd Read(in Frame frame)
    {
        var payload = new PayloadReader(frame.Payload.Span);
        var end = new SessionEnd(payload.Byte(), payload.Byte());
        payload.Done();
        return end;
    }
}

/// <summary>The small messages, of a number or a text each.</summary>
internal static class Messages
{
    public static Frame Data(uint session, SessionStream stream, ReadOnlySpan<byte> bytes) => new PayloadWriter().Byte((byte)stream).Bytes(bytes).ToFrame(FrameType.Data, session);

    public static (SessionStream Stream, ReadOnlyMemory<byte> Bytes) ReadData(in Frame frame)
    {
        var payload = new PayloadReader(frame.Payload.Span);
        return (Stream(payload.Byte()), frame.Payload[1..]);
    }

    public static Frame End(uint session, SessionStream stream) => new PayloadWriter().Byte((byte)stream).ToFrame(FrameType.End, session);

    public static SessionStream ReadEnd(in Frame frame)
    {
        var payload = new PayloadReader(frame.Payload.Span);
        var stream = Stream(payload.Byte());
        payload.Done();
        return stream;
    }

    public static Frame Credit(uint session, SessionStream stream, int count) => new PayloadWriter().Byte((byte)stream).Number((uint)count).ToFrame(FrameType.Credit, session);

    public static (SessionStream Stream, int Count) ReadCredit(in Frame frame)
    {
        var payload = new PayloadReader(frame.Payload.Span);
        var (stream, count) = (Stream(payload.Byte()), payload.Number());
        payload.Done();
        return count is 0 or > CreditWindow.Size ? throw new ProtocolException($"credit for {count} bytes") : (stream, (int)count);
    }

    public static Frame Signal(uint session, int signal) => new PayloadWriter().Byte((byte)signal).ToFrame(FrameType.Signal, session);

    public static int ReadSignal(in Frame frame)
    {
        var payload = new PayloadReader(frame.Payload.Span);
        var signal = payload.Byte();
        payload.Done();
        return signal is 0 or > 64 ? throw new ProtocolException($"signal {signal}") : signal;
    }

    public static Frame Refused(uint session, string why) => Text(FrameType.Refused, session, why);

    public static Frame Open(string host) => Text(FrameType.Open, 0, host);

    public static Frame Opened(IPAddress address) => Text(FrameType.Opened, 0, address.ToString());

    public static IPAddress ReadOpened(in Frame frame) => IPAddress.TryParse(ReadText(frame), out var address) ? address : throw new ProtocolException("no address");

    public static Frame Bye(Farewell why) => new PayloadWriter().Byte((byte)why).ToFrame(FrameType.Bye);

    public static Farewell ReadBye(in Frame frame) => (Farewell)new PayloadReader(frame.Payload.Span).Byte();

    public static string ReadText(in Frame frame) => Encoding.UTF8.GetString(frame.Payload.Span);

    private static Frame Text(FrameType type, uint session, string text)
    {
        const int longest = 4096;
        return new Frame(type, session, Encoding.UTF8.GetBytes(text.Length <= longest ? text : text[..longest]));
    }

    private static SessionStream Stream(byte number) => number <= (byte)SessionStream.Error ? (SessionStream)number : throw new ProtocolException($"stream {number}");
}
