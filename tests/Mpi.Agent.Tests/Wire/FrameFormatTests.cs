using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class FrameFormatTests
{
    [Fact]
    public void A_frame_survives_the_way()
    {
        var frame = Messages.Data(7, SessionStream.Error, [1, 2, 3]);
        var bytes = FrameFormat.Write(frame);

        for (var part = 0; part < bytes.Length; part++) Assert.Null(FrameFormat.TryRead(bytes.AsSpan(0, part), out _));
        var read = Assert.NotNull(FrameFormat.TryRead([.. bytes, 9, 9], out var length));
        Assert.Equal(bytes.Length, length);
        Assert.Equal((FrameType.Data, 7u), (read.Type, read.Session));
        var (stream, data) = Messages.ReadData(read);
        Assert.Equal(SessionStream.Error, stream);
        Assert.Equal([1, 2, 3], data.ToArray());
    }

    [Fact]
    public void A_start_survives_the_way_with_every_character()
    {
        var request = new StartRequest(["a b", "", "ä\n\t\"'$", "\U0001F600"], Shell: false, ["A=1", "B="], "/work dir");

        var read = StartRequest.Read(request.ToFrame(3));

        Assert.Equal(request.Words, read.Words);
        Assert.Equal(request.Environment, read.Environment);
        Assert.Equal((request.Shell, request.Directory), (read.Shell, read.Directory));
    }

    [Fact]
    public void A_greeting_survives_the_way_and_one_of_another_version_says_so()
    {
        var hello = new Hello(AgentRole.Worker, "pi-worker-0", Guid.NewGuid());
        Assert.Equal(hello, Hello.Read(hello.ToFrame()));

        var other = hello.ToFrame().Payload.ToArray();
        other[0] = 2;
        Assert.Contains("version 2", Assert.Throws<ProtocolException>(() => Hello.Read(new Frame(FrameType.Hello, 0, other))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff })]
    [InlineData(new byte[] { 0, 4, 0, 6 })] // one byte more than the largest
    [InlineData(new byte[] { 0, 0, 0, 4 })] // less than a frame's fixed part
    [InlineData(new byte[] { 0, 0, 0, 9, 0 })]
    [InlineData(new byte[] { 0, 0, 0, 9, 99 })]
    public void What_is_no_frame_is_refused_from_its_first_bytes(byte[] bytes)
    {
        Assert.Throws<ProtocolException>(() => FrameFormat.TryRead(bytes, out _));
    }

    /// <summary>Whatever a stranger sends: a frame, more to wait for, or a refusal; never another error, never memory beyond the bound.</summary>
    [Fact]
    public void Fuzzed_bytes_are_a_frame_or_refused()
    {
        var random = new Random(5);
        Frame[] seeds =
        [
            new Hello(AgentRole.Launcher, "pi-launcher", Guid.NewGuid()).ToFrame(), new StartRequest(["orted", "-mca"], true, ["A=b"], "/").ToFrame(1), Messages.Data(1, SessionStream.Input, [1, 2]),
            Messages.End(1, SessionStream.Output), Messages.Credit(1, SessionStream.Input, 100), Messages.Signal(1, 15), new SessionEnd(3, 0).ToFrame(1), Messages.Refused(1, "why"), Messages.Bye(Farewell.GateOpened),
        ];
        var (refused, read) = (0, 0);
        for (var round = 0; round < 200_000; round++)
        {
            var bytes = FrameFormat.Write(seeds[round % seeds.Length]);
            for (var change = random.Next(4); change >= 0; change--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                if (FrameFormat.TryRead(bytes.AsSpan(0, random.Next(bytes.Length + 1)), out _) is not { } frame) continue;
                ReadPayload(frame);
                read++;
            }
            catch (ProtocolException)
            {
                refused++;
            }
        }

        Assert.True(refused > 1000 && read > 1000, $"{refused} refused, {read} read");
    }

    private static void ReadPayload(in Frame frame)
    {
        switch (frame.Type)
        {
            case FrameType.Hello: Hello.Read(frame); break;
            case FrameType.Start: StartRequest.Read(frame); break;
            case FrameType.Data: Messages.ReadData(frame); break;
            case FrameType.End: Messages.ReadEnd(frame); break;
            case FrameType.Credit: Messages.ReadCredit(frame); break;
            case FrameType.Signal: Messages.ReadSignal(frame); break;
            case FrameType.Exit: SessionEnd.Read(frame); break;
            case FrameType.Bye: Messages.ReadBye(frame); break;
            case FrameType.Opened: Messages.ReadOpened(frame); break;
            default: Messages.ReadText(frame); break;
        }
    }
}
