using System.CommandLine;
using Mpi.Model;

namespace Mpi.Cli;

/// <summary><c>kubempi image</c>: whether an image suits a transport, and a Dockerfile of one that does.</summary>
public static class ImageCommand
{
    public static Command Create() => new("image", "Images for MPI jobs.") { Check(), Dockerfile() };

    private static Command Check()
    {
        var image = new Argument<string>("ROOTFS") { Description = "A folder with an unpacked root file system, or an archive that docker save, podman save, skopeo or docker export wrote." }.WithoutOptions();
        var transport = TransportOption();
        var user = new Option<string?>("--user") { Description = "Who containers run as, a name or a UID; else the image's own user, its first ordinary account, or root.", HelpName = "USER" };
        var path = new Option<string?>("--path") { Description = "The PATH that the image sets, where the image does not say (a folder cannot).", HelpName = "PATH" };
        var config = new Option<string>("--sshd-config") { Description = "What workers start sshd with (sshd -f).", HelpName = "FILE", DefaultValueFactory = static _ => "/etc/ssh/sshd_config" };

        var command = new Command("check", "Check whether an image has what the transport needs; nothing of it is run.") { image, transport, user, path, config };
        command.SetAction(parsed =>
        {
            var (file, answer, notes) = (parsed.GetRequiredValue(image), parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
            try
            {
                if (!Directory.Exists(file) && !File.Exists(file)) throw new IOException("there is no such file or folder");
                RootFiles files = Directory.Exists(file) ? new RootFolder(file) : ImageArchive.Read(file);
                var report = ImageContract.Check(files, new ImageQuestion(parsed.GetValue(transport), parsed.GetValue(user), parsed.GetValue(path), parsed.GetRequiredValue(config)));
                answer.Write(report.ToText(file));
                return report.Honours ? ExitCode.Success : ExitCode.Failure;
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException)
            {
                notes.WriteLine($"kubempi image check: {file}: {fault.Message}");
                return ExitCode.Usage;
            }
        });
        return command;
    }

    private static Command Dockerfile()
    {
        var transport = TransportOption();
        var mpi = new Option<string>("--mpi") { Description = "openmpi or mpich.", HelpName = "MPI", DefaultValueFactory = static _ => "openmpi" };
        mpi.AcceptOnlyFromAmong("openmpi", "mpich");
        var from = new Option<string>("--base") { Description = "The image to start from; Debian or Ubuntu.", HelpName = "IMAGE", DefaultValueFactory = static _ => "debian:12-slim" };
        var user = new Option<string>("--user") { Description = "The user's name; root for none.", HelpName = "NAME", DefaultValueFactory = static _ => "user" };
        var uid = new Option<long>("--uid") { Description = "The user's UID.", HelpName = "UID", DefaultValueFactory = static _ => 1000 };
        var port = new Option<int>("--port") { Description = "Where sshd listens.", HelpName = "PORT", DefaultValueFactory = static _ => 2222 };

        var command = new Command("dockerfile", "Print a Dockerfile of an image that passes the check.") { transport, mpi, from, user, uid, port };
        command.SetAction(parsed =>
        {
            var dockerfile = new ImageDockerfile(
                parsed.GetValue(transport), parsed.GetValue(mpi) == "mpich" ? MpiImplementation.Mpich : MpiImplementation.OpenMpi, parsed.GetRequiredValue(from),
                parsed.GetRequiredValue(user), parsed.GetValue(uid), parsed.GetValue(port));
            var faults = dockerfile.Faults().ToList();
            foreach (var fault in faults) parsed.InvocationConfiguration.Error.WriteLine($"kubempi image dockerfile: {fault}");
            if (faults.Count > 0) return ExitCode.Usage;
            parsed.InvocationConfiguration.Output.Write(dockerfile.ToText());
            return ExitCode.Success;
        });
        return command;
    }

    private static Option<Transport> TransportOption()
    {
        var option = new Option<Transport>("--transport")
        {
            Description = "ssh, agent or exec (docs/transports.md).",
            HelpName = "TRANSPORT",
            DefaultValueFactory = static _ => Transport.Ssh,
            CustomParser = static result =>
            {
                switch (result.Tokens[0].Value)
                {
                    case "ssh": return Transport.Ssh;
                    case "agent": return Transport.Agent;
                    case "exec": return Transport.Exec;
                    default:
                        result.AddError($"--transport: \"{result.Tokens[0].Value}\" is none of ssh, agent, exec");
                        return default;
                }
            },
        };
        option.CompletionSources.Add("ssh", "agent", "exec");
        return option;
    }
}
