using System.CommandLine;

namespace Mpi.Cli;

/// <summary><c>kubempi uninstall</c>: takes away what <c>install</c> brought; jobs and their definition stay unless asked for.</summary>
internal static class UninstallCommand
{
    public static Command Create()
    {
        var place = new InstallPlace();
        var definition = new Option<bool>("--crd") { Description = "Delete the definition of MPIJob too, and with it every job of the cluster." };
        var command = new Command("uninstall", "Remove the operator from the cluster of the current kubeconfig; jobs stay.") { definition };
        place.AddTo(command);
        command.SetAction((parsed, cancellation) => place.WithClusterAsync(parsed, "uninstall", async (installer, line) =>
        {
            // What profile legacy brings besides is taken away too, whichever profile is named: what is not there is no fault.
            var options = place.Read(parsed);
            await installer.RemoveAsync(OperatorManifests.Render(options with { Legacy = options.Overlay != "namespaced" }), parsed.GetValue(definition), cancellation);
            line.Show("");
            return ExitCode.Success;
        }));
        return command;
    }
}
