using System.Collections.Immutable;
using Mpi.Dialects;
using Mpi.Model;

namespace Mpi.Cli;

/// <summary>What is asked about an image.</summary>
/// <param name="User">Who its containers run as; null leaves it to <see cref="RootAccount.Choose"/>.</param>
/// <param name="SearchPath">The PATH of its processes; null for the image's own, or the usual one.</param>
/// <param name="SshdConfig">What sshd is started with.</param>
public sealed record ImageQuestion(Transport Transport, string? User = null, string? SearchPath = null, string SshdConfig = "/etc/ssh/sshd_config");

/// <summary>Whether an image has what a transport needs (docs/transports.md). Every fault is found at once; nothing of the image is run.</summary>
public sealed class ImageContract
{
    /// <summary>What an ssh session finds programs by, whatever the image's PATH: sshd has its own, and folders beyond these differ between distributions.</summary>
    private const string SessionPath = "/usr/local/bin:/usr/bin:/bin";

    private readonly ImmutableArray<ImageFinding>.Builder _findings = ImmutableArray.CreateBuilder<ImageFinding>();
    private readonly RootFiles _files;
    private readonly string _path;

    private ImageContract(RootFiles files, string path) => (_files, _path) = (files, path);

    /// <exception cref="ArgumentException">The image has no user of that name.</exception>
    public static ImageReport Check(RootFiles files, ImageQuestion question)
    {
        var user = RootAccount.Choose(files, question.User);
        var contract = new ImageContract(files, question.SearchPath ?? files.SearchPath);
        var mpi = contract.CheckMpi(question.Transport);
        if (question.Transport == Transport.Ssh) new SshContract(files, user, contract._path, contract.Report).Check(question.SshdConfig);
        if (question.Transport == Transport.Exec) contract.CheckShell();
        return new ImageReport(question.Transport, user, mpi, contract._findings.ToImmutable());
    }

    private MpiInImage? CheckMpi(Transport transport)
    {
        var mpi = MpiInImage.Find(_files, _path, out var missing);
        if (mpi is null)
        {
            Report(FindingSeverity.Error, _path, $"there is no {missing} on this PATH", missing == "mpirun" ? "install MPI (Debian: openmpi-bin or mpich), or say where it is (ENV PATH; --path for this check)" : "install the whole of MPI, not only mpirun");
        }
        else if (transport == Transport.Ssh && mpi.Implementation == MpiImplementation.OpenMpi && _files.FindProgram(mpi.Daemon, SessionPath) is null)
        {
            Report(
                FindingSeverity.Warning, mpi.DaemonFile.Path, $"ssh sessions have a PATH of their own ({SessionPath}), which does not lead to {mpi.Daemon}",
                $"RUN ln -s {mpi.DaemonFile.Path} /usr/local/bin/{mpi.Daemon}, or call mpirun by its full path ({mpi.Launcher.Path})");
        }

        return mpi;
    }

    private void CheckShell()
    {
        if (_files.Find("/bin/sh") is not { IsProgram: true }) Report(FindingSeverity.Error, "/bin/sh", "there is no shell, and what is started through the Kubernetes API is started by one", "use an image with /bin/sh, or transport agent, which needs none");
    }

    private void Report(FindingSeverity severity, string path, string message, string fix) => _findings.Add(new ImageFinding(severity, path, message, fix));
}
