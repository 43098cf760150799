using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Kube.Types;
using Mpi.Dialects;

namespace Mpi.Cli;

/// <summary><c>kubempi render PROTOTYPE NAME</c>: Kubeflow's ksonnet prototypes, as <c>ks generate</c> and <c>ks show</c> printed them.</summary>
public static class RenderCommand
{
    /// <summary>Flags that give one word of a parameter at a time, so that commas can stand in it.</summary>
    private static readonly ImmutableDictionary<string, string> WordFlags =
        ImmutableDictionary.CreateRange<string, string>([new("command", "--command-word"), new("args", "--arg")]);

    public static Command Create()
    {
        var command = new Command("render", "Render a prototype of Kubeflow's ksonnet package mpi-job.");
        foreach (var prototype in KsonnetPackage.Prototypes) command.Add(Create(prototype));
        return command;
    }

    /// <summary>
    /// The arguments with each value that begins like a flag tied to its flag: after <c>--args</c> comes a value, whatever it looks
    /// like (<c>--args -np,2</c>), as it did for <c>ks</c>.
    /// </summary>
    public static string[] TieValues(string[] arguments)
    {
        var tied = new List<string>();
        for (var i = 0; i < arguments.Length; i++)
        {
            var argument = arguments[i];
            if (argument.EndsWith('=') && TakesAnything(argument[..^1])) tied.AddRange([argument[..^1], ""]);
            else if (TakesAnything(argument) && i + 1 < arguments.Length && arguments[i + 1].StartsWith('-')) tied.Add($"{argument}={arguments[++i]}");
            else tied.Add(argument);
        }

        return [.. tied];

        static bool TakesAnything(string flag) => flag is "--args" or "--command" || WordFlags.ContainsValue(flag);
    }

    private static Command Create(KsonnetPrototype prototype)
    {
        var component = new Argument<string?>("NAME") { Description = "The component; names its objects.", Arity = ArgumentArity.ZeroOrOne };
        var name = new Option<string?>("--name") { Description = "Names the objects otherwise than the component.", HelpName = "NAME" };
        var space = new Option<string?>("--namespace", "-n") { Description = "The environment's namespace; without it, objects name none.", HelpName = "NAMESPACE" };
        var generation = new Option<string>("--generation") { Description = "1: as in Kubeflow 0.2 to 0.4. 2: as in 0.5 to 0.7.", HelpName = "1|2", DefaultValueFactory = static _ => "2" };
        generation.AcceptOnlyFromAmong("1", "2");
        var output = new Option<string>("--output", "-o") { Description = "yaml or json.", HelpName = "FORMAT", DefaultValueFactory = static _ => "yaml" };
        output.AcceptOnlyFromAmong("yaml", "json");
        var parameters = prototype.Parameters.Select(p => (Parameter: p.Name, Option: new Option<string?>($"--{p.Name}") { Description = Describe(p), HelpName = p.Type.ToString().ToUpperInvariant() })).ToImmutableArray();
        var words = prototype.Parameters.Where(static p => p.Type == KsonnetType.Words)
            .Select(static p => (Parameter: p.Name, Option: new Option<string[]>(WordFlags[p.Name]) { Description = $"One more word after those of --{p.Name}, taken as it is; may be repeated.", HelpName = "WORD" })).ToImmutableArray();

        var command = new Command(prototype.Name, prototype.Description) { component, name, space, generation, output };
        command.Aliases.Add(prototype.LongName);
        foreach (var (_, option) in parameters) command.Add(option);
        foreach (var (_, option) in words) command.Add(option);
        command.SetAction(parsed =>
        {
            var (answer, notes) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
            if ((parsed.GetValue(component) ?? parsed.GetValue(name)) is not { } called)
            {
                notes.WriteLine($"kubempi render: {prototype.Name} needs a NAME");
                return ExitCode.Usage;
            }

            var values = parameters.Select(p => (p.Parameter, Value: parsed.GetValue(p.Option))).Append(("name", parsed.GetValue(name)))
                .Where(static v => v.Item2 is not null).ToImmutableDictionary(static v => v.Item1, static v => v.Item2!);
            var outcome = prototype.Render(new KsonnetRequest(called, parsed.GetValue(space) is { Length: > 0 } ns ? ns : null, Enum.Parse<KsonnetGeneration>(parsed.GetRequiredValue(generation)), values)
            {
                MoreWords = words.Where(w => parsed.GetValue(w.Option) is { Length: > 0 }).ToImmutableDictionary(static w => w.Parameter, w => parsed.GetRequiredValue(w.Option).ToImmutableArray()),
            });
            foreach (var note in outcome.Warnings.Concat(outcome.Errors)) notes.WriteLine($"kubempi render: {note}");
            if (outcome.List is not { } list) return ExitCode.Usage;
            answer.Write(parsed.GetRequiredValue(output) == "json" ? list.ToIndentedText() : Yaml.Write(KubeObject.From(list).Root));
            return ExitCode.Success;
        });
        return command;
    }

    private static string Describe(KsonnetParameter parameter)
    {
        var since = parameter.Since > KsonnetGeneration.First ? string.Create(CultureInfo.InvariantCulture, $" Since generation {(int)parameter.Since}.") : "";
        return $"{parameter.Description}{since}{(parameter.Default == "null" ? "" : $" [default: {parameter.Default}]")}";
    }
}
