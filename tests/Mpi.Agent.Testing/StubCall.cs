using Mpi.Agent.Roles;

namespace Mpi.Agent.Testing;

/// <summary>A remote-shell program's call as the launcher's process hears it, with no streams of its own.</summary>
internal static class StubCall
{
    /// <summary>Has a daemon started on a worker and waits for its end.</summary>
    /// <param name="pod">The launcher's.</param>
    /// <param name="words">The daemon's command line.</param>
    /// <returns>Why mpirun would have failed; null where it would not.</returns>
    public static async Task<string?> RunAsync(MemoryNetwork network, string pod, LauncherRole launcher, string host, string[] words, CancellationToken cancellation)
    {
        var (program, daemon) = network.Connect(pod, pod);
        var serving = launcher.ServeCallAsync(new FrameLink(daemon), cancellation);
        string? why;
        await using (var frames = new FrameLink(program)) why = await TalkAsync(frames, host, words, network.AddressOf(pod).ToString());
        await serving;
        return why is null ? null : $"{host}: {why}";
    }

    private static async Task<string?> TalkAsync(FrameLink frames, string host, string[] words, string own)
    {
        frames.Post(Messages.Open(host));
        while (await frames.ReadAsync(CancellationToken.None) is { } frame)
        {
            switch (frame.Type)
            {
                case FrameType.Opened when Messages.ReadOpened(frame).ToString() == own:
                    frames.Post(new StartRequest([.. words], Shell: true, [], "").ToFrame(0));
                    frames.Post(Messages.End(0, SessionStream.Input));
                    break;
                case FrameType.Opened:
                    return $"the launcher's address is {Messages.ReadOpened(frame)}";
                case FrameType.Exit:
                    return SessionEnd.Read(frame) is { ExitCode: not 0 and var code } ? $"the daemon ended with code {code}" : null;
                case FrameType.Refused:
                    return Messages.ReadText(frame);
            }
        }

        return "the launcher's agent has ended";
    }
}
