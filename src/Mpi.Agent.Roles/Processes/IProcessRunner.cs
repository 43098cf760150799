namespace Mpi.Agent.Roles;

/// <summary>Runs other programs.</summary>
public interface IProcessRunner
{
    /// <summary>The absolute path of a program on <c>PATH</c>, or null.</summary>
    string? Find(string program);

    /// <summary>Runs a program to its end, with no input, and returns what it printed.</summary>
    /// <exception cref="OperationCanceledException">Cancelled: the program has been killed and has ended.</exception>
    Task<ProcessResult> RunAsync(string path, IReadOnlyList<string> args, CancellationToken cancellation);
}

/// <param name="ExitCode">128 + the signal's number when a signal ended it.</param>
/// <param name="Output">Standard output, cut after 64 KiB.</param>
/// <param name="Error">Standard error, cut after 64 KiB.</param>
public sealed record ProcessResult(int ExitCode, string Output, string Error);
