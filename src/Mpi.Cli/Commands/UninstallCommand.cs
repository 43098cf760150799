using System.CommandLine;

namespace Mpi.Cli;

/// <summary><c>kubempi uninstall</c>: takes away what <c>install</c> brought; jobs and their definition stay unless asked for.</summary>
internal static class UninstallCommand
{
    public static Command Create()
    {
        var place = new InstallPlace();
        var definition = new Option<bool>("--crd") { Description = "Delete the definition of MPIJob too, and with it every job of the cluster; and those of each --dialect." };
        var command = new Command("uninstall", "Remove the operator from the cluster of the current kubeconfig; jobs stay.") { definition };
        place.AddTo(command);
        command.SetAction((parsed, cancellation) => place.WithClusterAsync(parsed, "uninstall", async (installer, line) =>
        {
            // What a profile or a dialect brings besides is taken away too, whichever is named: what is not there is no fault.
            var options = place.Read(parsed);
            var all = OperatorManifests.Render(options with { Legacy = options.Overlay != "namespaced", Dialects = [.. OperatorManifests.Dialects.Select(static d => d.Dialect)] });
            var definitions = parsed.GetValue(definition) ? OperatorManifests.Render(options).Where(OperatorManifests.IsDefinition).Select(static o => (string)o["metadata"]!["name"]!) : [];
            await installer.RemoveAsync(all, [.. definitions], cancellation);
            line.Show("");
            return ExitCode.Success;
        }));
        return command;
    }
}
