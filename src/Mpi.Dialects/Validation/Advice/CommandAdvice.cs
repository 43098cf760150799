using System.Text.RegularExpressions;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>What is odd about the command lines and images of the containers (spec/cerit-sshd-image.md 6).</summary>
internal static partial class CommandAdvice
{
    /// <summary>Programs that only keep a container alive.</summary>
    private static readonly string[] Idlers = ["sleep", "tail", "cat", "true", "pause"];
    private static readonly string[] Shells = ["sh", "bash", "dash", "ash", "zsh"];

    public static void Give(JobShape job, Advice advice)
    {
        foreach (var role in job.Roles)
        {
            foreach (var container in role.Containers)
            {
                CheckImage(container, advice);
                CheckWords(container, advice);
            }

            CheckFirstContainer(role, advice);
        }

        if (job.Launcher.Main is { } launcher && MpirunLine.Find(launcher) is { } line) CheckMpirun(job, launcher, line, advice);
        if (job.UsesSsh && job.Worker.Main is { } worker) CheckWorker(worker, advice);
    }

    private static void CheckImage(ContainerShape container, Advice advice)
    {
        var path = $"{container.Path}.image";
        if (container.Image == "IMAGE") advice.Error("S04", path, "image \"IMAGE\" is the template's placeholder", "Write your image's name.");
        else if (Repository(container.Image).Any(char.IsAsciiLetterUpper)) advice.Error("S04", path, $"image \"{container.Image}\" has upper-case letters, and image names have none", "Write the image's name in lower case.");
    }

    private static void CheckWords(ContainerShape container, Advice advice)
    {
        var isScript = container.Words.Any(static w => Shells.Contains(w.Program));
        foreach (var word in container.Words)
        {
            if (word.Text == "COMMAND") advice.Error("S04", word.Path, "\"COMMAND\" is the template's placeholder", "Write your program's path.");
            if (!isScript && OptionAndNumber().Match(word.Text) is { Success: true } match)
            {
                advice.Error("S20", word.Path, $"\"{word.Text}\" is one argument; split it into \"{match.Groups["option"].Value}\" and \"{match.Groups["number"].Value}\"");
            }
        }
    }

    /// <summary>Only the first container gets keys, environment and hostfile; a sidecar there gets them in vain.</summary>
    private static void CheckFirstContainer(RoleShape role, Advice advice)
    {
        if (role.Containers.Length < 2) return;
        string[] signs = role.Name == "Launcher" ? ["mpirun", "mpiexec"] : ["sshd"];
        var meant = role.Containers.FindIndex(c => signs.Any(c.Mentions));
        if (meant < 0) meant = role.Containers.FindIndex(c => c.Name.Contains(role.Name, StringComparison.OrdinalIgnoreCase));
        if (meant <= 0) return;
        var first = role.Containers[0];
        advice.Warn("S22", first.Path, $"The first container gets keys, env and hostfile; \"{first.Name}\" is first", $"Move \"{role.Containers[meant].Name}\" to the front.");
    }

    private static void CheckMpirun(JobShape job, ContainerShape launcher, MpirunLine line, Advice advice)
    {
        var isOpenMpi = job.Mpi == MpiImplementation.OpenMpi;
        if (isOpenMpi) CheckRanks(job, line, advice);

        foreach (var (option, at, values) in line.Options)
        {
            if (option is "hostfile" or "machinefile" or "machine" or "f" or "default-hostfile" or "H" or "host" or "hosts" && values[0].Text != "/etc/mpi/hostfile")
            {
                advice.Warn("S14", at.Path, $"\"{at.Text}\" overrides the generated host list", "Leave it out; the launcher's environment names the hostfile.");
            }

            if (!job.HasKubexec && option is "mca" && values[0].Text is "plm_rsh_agent" or "plm_ssh_agent" && IsExecScript(values[1].Text)) ExecAgent(advice, values[1].Path);
            if (job.UsesSsh && option is "mca" && values[0].Text is "plm_rsh_args" && !values[1].Text.Contains("ConnectionAttempts", StringComparison.Ordinal))
            {
                advice.Warn("S23", values[1].Path, "plm_rsh_args on the command line replaces the ones of the environment, and with them the retries", "Add -o ConnectionAttempts=10 to it.");
            }
        }

        foreach (var variable in launcher.Element.Items("env"))
        {
            if (!job.HasKubexec && variable.Text("name") is "OMPI_MCA_plm_rsh_agent" && IsExecScript(variable.Text("value") ?? "")) ExecAgent(advice, $"{launcher.Path}.env");
        }

        // Nothing said about the user: an image of a path like /home/mpiuser/.ssh is not meant to be root.
        var isRoot = job.Launcher.User == 0 || (job.UsesSsh && job.Launcher.User is null && job.KeysAreRoots && !job.Launcher.MustNotBeRoot);
        var allowed = line.Has("allow-run-as-root") || launcher.Element.Items("env").Any(static e => e.Text("name") == "OMPI_ALLOW_RUN_AS_ROOT");
        if (isOpenMpi && isRoot && !allowed) advice.Warn("S15", line.Program.Path, "Open MPI refuses to run as root without --allow-run-as-root", "Add --allow-run-as-root, or set runAsUser to another user.");
    }

    private static void CheckRanks(JobShape job, MpirunLine line, Advice advice)
    {
        if (line.Ranks is not { } asked || job.Workers is not { } workers || job.SlotsPerHost < 0 || workers < 0) return;
        if (line.Has("oversubscribe", "hostfile", "H", "host", "hosts", "machinefile", "default-hostfile", "npernode", "N", "map-by", "ppr")) return;
        var hosts = workers + (job.LauncherRunsRanks ? 1 : 0);
        var slots = hosts * job.SlotsPerHost;
        if (asked.Ranks > slots)
        {
            advice.Warn("S02", asked.At.Path, $"{asked.Text} {asked.Ranks} asks for {asked.Ranks} rank{Plural(asked.Ranks)} but {workers} worker{Plural(workers)} x {job.SlotsPerHost} slot{Plural(job.SlotsPerHost)} give {slots}; Open MPI will refuse to start", "Raise Worker.replicas or slotsPerWorker, or ask for fewer ranks.");
        }
        else if (asked.Ranks <= slots - job.SlotsPerHost && job.SlotsPerHost > 0)
        {
            advice.Warn("S03", asked.At.Path, $"{asked.Text} {asked.Ranks} uses {asked.Ranks} of {slots} slots; some workers stay idle", $"Ask for {slots} ranks, or leave {asked.Text} out.");
        }
    }

    private static void CheckWorker(ContainerShape worker, Advice advice)
    {
        if (worker.Words.IsEmpty) return;
        var first = worker.Words[0];
        if (worker.Mentions("sshd"))
        {
            if (first.Text == "sshd") advice.Warn("S12", first.Path, "sshd does not start without a path", "Call /usr/sbin/sshd by its full path.");
            return;
        }

        if (worker.Command.IsEmpty)
        {
            advice.Warn("S11", $"{worker.Path}.args", "With args set, the operator does not start sshd for you", "Leave args out, or start sshd in the image's entrypoint.");
        }
        else if (Idlers.Contains(first.Program) || (Shells.Contains(first.Program) && IsInlineScript(worker)))
        {
            advice.Warn("S10", first.Path, $"Workers must run sshd; found \"{first.Program}\"", "Remove the command, or start sshd in it.");
        }
    }

    /// <summary>Whether the whole script stands in the manifest; a file of the image may well start an sshd.</summary>
    private static bool IsInlineScript(ContainerShape worker) =>
        worker.Words.Length == 1 || (worker.Words.Any(static w => w.Text is "-c" or "-ec" or "-lc" or "-xc" or "-exc") && !worker.Mentions(".sh") && !worker.Mentions("entrypoint"));

    private static bool IsExecScript(string agent) => agent.Contains("kubexec", StringComparison.Ordinal) || agent.Contains("kubeexec", StringComparison.Ordinal);

    private static void ExecAgent(Advice advice, string path) => advice.Warn("S13", path, "v2beta1 uses ssh; this agent is not mounted", "Leave plm_rsh_agent out.");

    /// <summary>An image's name without its registry, tag and digest.</summary>
    private static string Repository(string image)
    {
        var name = image.Split('@')[0];
        var slash = name.IndexOf('/');
        if (slash > 0 && name[..slash] is var host && (host == "localhost" || host.AsSpan().ContainsAny('.', ':'))) name = name[(slash + 1)..];
        var colon = name.LastIndexOf(':');
        return colon > name.LastIndexOf('/') ? name[..colon] : name;
    }

    private static string Plural(long count) => count == 1 ? "" : "s";

    [GeneratedRegex("^(?<option>--?np?)[ =]+(?<number>[0-9]+)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex OptionAndNumber();
}
