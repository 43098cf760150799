using System.CommandLine;

namespace Mpi.Cli;

/// <summary><c>kubempi validate FILE...</c>: what <c>run</c> would say of manifests, without running them.</summary>
internal static class ValidateCommand
{
    public static Command Create()
    {
        var files = new Argument<string[]>("FILE") { Description = "Manifests; - reads standard input.", Arity = ArgumentArity.OneOrMore }.WithoutOptions();
        var command = new Command("validate", "Check manifests: every fault at once, with its place, field path and fix.") { files };
        command.SetAction(parsed =>
        {
            var sound = true;
            foreach (var file in parsed.GetRequiredValue(files))
            {
                if (ManifestFile.Read(file, Console.Error.WriteLine) is not null) Console.Out.WriteLine($"{file}: valid");
                else sound = false;
            }

            return sound ? ExitCode.Success : ExitCode.Usage;
        });
        return command;
    }
}
