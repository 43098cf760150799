using System.CommandLine;
using Kube.Client;

namespace Mpi.Cli;

/// <summary>Which cluster a command is about: the options that commands share which go to one.</summary>
internal sealed class ClusterChoice
{
    private readonly Option<string?> _kubeconfig = new("--kubeconfig") { Description = "Default: where kubectl looks.", HelpName = "FILE" };
    private readonly Option<string?> _context = new("--context") { Description = "Default: the kubeconfig's current one.", HelpName = "NAME" };

    public void AddTo(Command command)
    {
        command.Add(_kubeconfig);
        command.Add(_context);
    }

    /// <exception cref="ConnectionException">There is no such kubeconfig or context.</exception>
    public ClusterConnection Load(ParseResult parsed) =>
        ClusterConnection.Load(new ClusterConnectionOptions(parsed.GetValue(_kubeconfig) ?? "", parsed.GetValue(_context) ?? ""), TimeProvider.System);
}
