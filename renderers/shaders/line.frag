// A line with soft edges that may fade out away from a centre.

uniform float u_width;
uniform vec4 u_fade;       // centre in the world; the fourth is the radius, 0 for no fading
uniform float u_opacity;
uniform float u_cutoff;    // alpha below which nothing is drawn

varying float v_side;
varying vec3 v_world;
varying vec4 v_colour;

void main() {
    float alpha = u_opacity * v_colour.a * clamp(0.5 * u_width + 0.5 - abs(v_side), 0.0, 1.0);
    if (u_fade.w > 0.0) alpha *= 1.0 - smoothstep(0.15, 1.0, length(v_world - u_fade.xyz) / u_fade.w);
    if (alpha <= u_cutoff) discard;
    gl_FragColor = vec4(v_colour.rgb * alpha, alpha);
}
