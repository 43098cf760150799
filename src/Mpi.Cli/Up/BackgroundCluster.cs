using System.Diagnostics;
using Mpi.LocalCluster;

namespace Mpi.Cli;

/// <summary>Starts and ends the background cluster from outside.</summary>
internal sealed class BackgroundCluster(BackgroundFolder folder, TimeProvider time)
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan KillLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(25);
    private const int LogLinesShown = 12;
    private const int SigTerm = 15;
    private const int SigKill = 9;

    public static BackgroundCluster OfThisUser() => new(new BackgroundFolder(StateDirectory.DefaultParent()), TimeProvider.System);

    public BackgroundFolder Folder => folder;

    /// <summary>The cluster that is there; waits for one that is on its way. Null when there is none.</summary>
    public async Task<BackgroundRecord?> FindAsync(CancellationToken cancellation)
    {
        var begun = time.GetTimestamp();
        while (time.GetElapsedTime(begun) < StartLimit)
        {
            if (!folder.IsClaimed()) return null;
            if (folder.Read() is { IsReady: true, Process.Lives: true } record) return record;
            await Task.Delay(Glance, time, cancellation);
        }

        return null;
    }

    /// <summary>
    /// Starts the cluster in a session of its own, without a terminal, its output in its log, and returns once it is ready.
    /// </summary>
    /// <param name="progress">Told how long it has been taking.</param>
    /// <returns>The cluster, or why there is none.</returns>
    public async Task<StartOutcome> StartAsync(UpOptions options, Action<TimeSpan> progress, CancellationToken cancellation)
    {
        var crashed = PrepareLog();
        var program = HostProgram.Current();
        // setsid: the end of the terminal is none of its business. The shell opens the log and becomes the program.
        var start = new ProcessStartInfo("setsid", ["sh", "-c", "log=$1; shift; exec \"$@\" </dev/null >>\"$log\" 2>&1", "sh", folder.Log, .. program.Command, "up", "--foreground", .. options.ToArguments()])
        {
            WorkingDirectory = "/",
            UseShellExecute = false,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException("No process was started");
        var identity = ProcessIdentity.Of(process.Id);
        var begun = time.GetTimestamp();
        try
        {
            while (true)
            {
                if (folder.Read() is { IsReady: true } record && record.Process == identity) return new StartOutcome.Up(record, crashed);
                if (process.HasExited) return await EndedAsync(process.ExitCode, cancellation);
                if (time.GetElapsedTime(begun) > StartLimit)
                {
                    await EndAsync(identity, CancellationToken.None);
                    return new StartOutcome.Failed(ExitCode.Failure, [$"kubempi: the local cluster was not ready after {StartLimit.TotalSeconds:0} s; its last words:", .. LastWords()]);
                }

                progress(time.GetElapsedTime(begun));
                await Task.Delay(Glance, time, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            await EndAsync(identity, CancellationToken.None);
            throw;
        }
    }

    /// <summary>Ends the cluster, gently and then hard, and clears up after it.</summary>
    /// <param name="say">Told what could not be undone.</param>
    /// <returns>What was there to end.</returns>
    public async Task<StopOutcome> StopAsync(Action<string> say, CancellationToken cancellation)
    {
        if (!Directory.Exists(folder.Parent)) return StopOutcome.Nothing;
        var outcome = StopOutcome.Nothing;
        var begun = time.GetTimestamp();
        BackgroundLock? claim;
        while ((claim = folder.TryClaim()) is null)
        {
            if (folder.Read() is { Process.Lives: true } record)
            {
                await EndAsync(record.Process, cancellation);
                outcome = StopOutcome.Ended;
            }
            else if (time.GetElapsedTime(begun) > StopLimit)
            {
                return StopOutcome.Stuck;
            }

            await Task.Delay(Glance, time, cancellation);
        }

        using (claim)
        {
            if (outcome == StopOutcome.Nothing && folder.Read() is not null) outcome = StopOutcome.Cleared;
            await folder.ClearAsync(say, time, CancellationToken.None);
            folder.Remove();
        }

        folder.RemoveParentIfEmpty();
        return outcome;
    }

    /// <returns>Whether the cluster before ended without a word.</returns>
    private bool PrepareLog()
    {
        PrivateFolder.Ensure(folder.Parent);
        PrivateFolder.Ensure(folder.Path);
        var crashed = folder.Read() is not null;
        if (crashed && File.Exists(folder.Log)) File.Move(folder.Log, folder.CrashLog, overwrite: true);
        else File.Delete(folder.Log);
        return crashed;
    }

    /// <summary>It ended before it was ready: because it could not start, or because another one was quicker.</summary>
    private async Task<StartOutcome> EndedAsync(int code, CancellationToken cancellation)
    {
        var words = LastWords();
        return await FindAsync(cancellation) is { } other
            ? new StartOutcome.Up(other, AfterCrash: false)
            : new StartOutcome.Failed(code == 0 ? ExitCode.Failure : code, words.Count > 0 ? words : [$"kubempi: the local cluster ended with code {code} and said nothing"]);
    }

    private async Task EndAsync(ProcessIdentity process, CancellationToken cancellation)
    {
        foreach (var (signal, limit) in new[] { (SigTerm, StopLimit), (SigKill, KillLimit) })
        {
            process.Send(signal);
            var begun = time.GetTimestamp();
            while (time.GetElapsedTime(begun) < limit)
            {
                if (!process.Lives) return;
                await Task.Delay(Glance, time, cancellation);
            }
        }
    }

    private List<string> LastWords()
    {
        try
        {
            return [.. File.ReadLines(folder.Log).TakeLast(LogLinesShown)];
        }
        catch (IOException)
        {
            return [];
        }
    }
}

/// <summary>How a start went.</summary>
internal abstract record StartOutcome
{
    private StartOutcome() { }

    /// <param name="AfterCrash">The cluster before had ended without a word.</param>
    internal sealed record Up(BackgroundRecord Record, bool AfterCrash) : StartOutcome;

    /// <param name="Words">For people.</param>
    internal sealed record Failed(int ExitCode, IReadOnlyList<string> Words) : StartOutcome;
}

/// <summary>What there was to end.</summary>
internal enum StopOutcome
{
    /// <summary>No cluster, nor anything of one.</summary>
    Nothing,

    /// <summary>What a cluster that crashed had left.</summary>
    Cleared,

    /// <summary>A cluster.</summary>
    Ended,

    /// <summary>A cluster that cannot be ended: it never said who it is.</summary>
    Stuck,
}
